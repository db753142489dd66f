//go:build linux && cgo

package faultp11_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

// deployment is signers in one process on the faulty module, with a key of theirs.
type deployment struct {
	*rig.Rig
	*rig.Account
	service *transfer.Service
	client  *recovery.Context
	key     keyring.KeyID
	slots   []uint
}

const patience = 2 * time.Second // of the service with its signers

func newDeployment(t *testing.T, signers, minSigners int) *deployment {
	t.Helper()
	var tokens []*hsm.Token
	var slots []uint
	for range signers {
		b := newBench(t, func(cfg *hsm.TokenConfig) { cfg.Sessions, cfg.Limit = 1, shortLimit })
		tokens, slots = append(tokens, b.Token), append(slots, b.slot)
	}
	r := rig.NewWithTokens(t, tokens...)
	d := &deployment{Rig: r, Account: r.Account(t, r.Organisation(t), identity.Permissions()...), slots: slots}
	d.serve(t)
	var err error
	if d.client, err = recovery.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.Destroy)
	dealt := d.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), minSigners, rig.Secret(t))
	key, err := d.service.Import(context.Background(), d.Prove(t, signer.ImportPath, dealt))
	if err != nil {
		t.Fatal(err)
	}
	d.key = key.ID
	return d
}

// serve begins the service with the signers as they are now.
func (d *deployment) serve(t *testing.T) {
	t.Helper()
	var err error
	d.service, err = transfer.New(transfer.Config{
		Journal: d.Store, Manifest: d.Manifest, Signers: d.Signers, Timeout: patience, Now: d.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// export gives the signers whose shares came.
func (d *deployment) export(t *testing.T) ([]signer.ID, error) {
	t.Helper()
	body, err := json.Marshal(d.client.Request())
	if err != nil {
		t.Fatal(err)
	}
	exported, err := d.service.Export(context.Background(), d.Prove(t, "/keys/"+string(d.key)+"/export", string(body)), d.key)
	var from []signer.ID
	for _, share := range exported.Shares {
		from = append(from, share.Signer)
	}
	return from, err
}

// A signer in the server's process does its token's work on the goroutine that asks it. A
// token that hangs costs an export the service's patience, and its share.
func TestExportSurvivesATokenThatHangs(t *testing.T) {
	for _, function := range []string{"C_DecryptInit", "C_SignInit"} {
		d := newDeployment(t, 3, 2)
		hanging := d.Nodes[0].Info().ID
		plan(t, fmt.Sprintf("%s slot=%d hang", function, d.slots[0]))
		for range 3 { // the third finds the breaker open
			start := time.Now()
			from, err := d.export(t)
			if took := time.Since(start); err != nil || len(from) != 2 || took > patience+time.Second {
				t.Errorf("%s hangs: after %v: %v, %v", function, took, from, err)
			}
			for _, id := range from {
				if id == hanging {
					t.Errorf("%s hangs, and its share came", function)
				}
			}
		}
		plan(t)
		soon(t, "the deployment", func() error {
			from, err := d.export(t)
			if err == nil && len(from) != 3 {
				err = errors.New("a share is missing")
			}
			return err
		})
	}
}

// What is left behind in a signature has no plaintext, and what the two logs say agrees.
func TestExportThatHangsIsOnRecordAndHoldsNoShare(t *testing.T) {
	d := newDeployment(t, 3, 2)
	opened := make(chan *locked.Buffer, 2)
	hanging := d.Restart(t, 0, func(c *node.Config) {
		c.Token = opening{c.Token.(*hsm.Token), func(plaintext *locked.Buffer) { opened <- plaintext }}
	})
	d.serve(t)
	goroutines := runtime.NumGoroutine()
	plan(t, fmt.Sprintf("C_SignInit slot=%d hang", d.slots[0]))
	if from, err := d.export(t); err != nil || len(from) != 2 {
		t.Fatalf("%v, %v", from, err)
	}
	if plaintext := <-opened; plaintext.Bytes() != nil {
		t.Error("the share is still plain while its signer hangs in the statement")
	}
	finished := rig.Record(t, d.Store)
	want := audit.SignerOutcome{Signer: hanging.Info().ID.String(), Reason: signer.ErrNoAnswer.Reason}
	if last := finished[len(finished)-1]; last.Kind != audit.ExportFinished || last.Outcome != audit.Released || !slices.Contains(last.Signers, want) {
		t.Errorf("the server's log ends with %+v", last)
	}
	if own := kinds(rig.Record(t, d.Stores[0])); own[audit.ShareReleased] != 1 || own[audit.SignerRefused] != 0 {
		t.Errorf("the signer's log while it hangs: %v", own)
	}
	plan(t)
	soon(t, "the signer", func() error {
		if own := kinds(rig.Record(t, d.Stores[0])); own[audit.ShareReleased] != 1 || own[audit.SignerRefused] != 1 {
			return fmt.Errorf("its log: %v", own)
		}
		return nil
	})
	if err := settle(goroutines); err != nil {
		t.Error(err)
	}
	if from, err := d.export(t); err != nil || len(from) != 3 {
		t.Errorf("the next export: %v, %v", from, err)
	}
}

func kinds(record []audit.Entry) map[audit.Kind]int {
	counts := map[audit.Kind]int{}
	for _, entry := range record {
		counts[entry.Kind]++
	}
	return counts
}

// The goroutine that is left behind costs the token nothing but a session.
func TestExpendableCallerStaysInAHungCallAlone(t *testing.T) {
	b := impatient(t)
	for name, use := range b.uses() {
		if name == "ready" {
			continue // which begins like seal
		}
		plan(t, use.begins+" call=1 hang")
		ended := make(chan error, 1)
		go func() { ended <- b.in(hsm.Expendable(context.Background())).uses()[name].do() }()
		waitHanging(t, 1)
		if err := errors.Join(b.open(), b.seal(), b.hash(), b.sign(), b.ready()); err != nil {
			t.Errorf("others while %s hangs: %v", name, err)
		}
		if status := b.Status(); status.Hung != 1 || status.Breaker != hsm.BreakerClosed || len(ended) != 0 {
			t.Errorf("status while %s hangs: %+v", name, status)
		}
		plan(t)
		if err := <-ended; !errors.Is(err, hsm.ErrHung) {
			t.Errorf("%s ended with %v", name, err)
		}
		b.awaitReturn(t)
	}
}

// Its seat is somebody else's by then.
func TestExpendableCallThatHungIsNotDoneAgain(t *testing.T) {
	b := impatient(t)
	plan(t, "C_SignInit call=1 hang")
	ended := make(chan error, 1)
	go func() { ended <- b.in(hsm.Expendable(context.Background())).sign() }()
	soon(t, "the limit", func() error {
		if b.Status().Hung != 1 {
			return errors.New("the call does not count as one that hangs")
		}
		return nil
	})
	b.loseSessions(t)
	before := stats(t).Calls["C_SignInit"]
	plan(t)
	if err := <-ended; !errors.Is(err, hsm.ErrHung) {
		t.Error(err)
	}
	b.awaitReturn(t)
	if after := stats(t).Calls["C_SignInit"]; after != before {
		t.Errorf("%d signatures were begun when the time was up", after-before)
	}
	if err := b.sign(); err != nil {
		t.Error(err)
	}
}
