//go:build cgo

package transfer_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

// office is a rig with a service and one account that may do everything on keys.
type office struct {
	*rig.Rig
	*rig.Account
	service *transfer.Service
	scheme  shares.Scheme
	client  *recovery.Context
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return newOfficeOf(t, 3)
}

func newOfficeOf(t *testing.T, signers int) *office {
	t.Helper()
	r := rig.New(t, signers)
	o := &office{Rig: r, Account: r.Account(t, r.Organisation(t), identity.Permissions()...), service: r.Service(t)}
	o.scheme = rig.Scheme(t, "CGGMP21", "secp256k1")
	var err error
	if o.client, err = recovery.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.client.Destroy)
	return o
}

func (o *office) importKey(t *testing.T, service *transfer.Service) (keyring.Key, error) {
	t.Helper()
	return service.Import(context.Background(), o.Prove(t, signer.ImportPath, o.Deal(t, o.scheme, 2, rig.Secret(t))))
}

func (o *office) mustImport(t *testing.T) keyring.Key {
	t.Helper()
	key, err := o.importKey(t, o.service)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (o *office) proveExport(t *testing.T, by *rig.Account, key keyring.KeyID) useraction.Proof {
	t.Helper()
	body, err := json.Marshal(o.client.Request())
	if err != nil {
		t.Fatal(err)
	}
	return by.Prove(t, "/keys/"+string(key)+"/export", string(body))
}

func (o *office) export(t *testing.T, service *transfer.Service, key keyring.KeyID) (transfer.Exported, error) {
	t.Helper()
	return service.Export(context.Background(), o.proveExport(t, o.Account, key), key)
}

// key returns the key as it is now.
func (o *office) key(t *testing.T, id keyring.KeyID) keyring.Key {
	t.Helper()
	key, err := o.service.Key(context.Background(), o.Principal(t), id)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// record returns the audit entries from the given one on.
func (o *office) record(t *testing.T, kinds ...audit.Kind) []audit.Entry {
	t.Helper()
	stored, err := o.Store.Entries(context.Background(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var entries []audit.Entry
	for _, s := range stored {
		var e audit.Entry
		if err := json.Unmarshal(s.Canonical, &e); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(kinds, e.Kind) {
			entries = append(entries, e)
		}
	}
	return entries
}

// faulty is a real signer that does one thing else.
type faulty struct {
	signer.Signer
	export  func(context.Context, signer.Request) (signer.SealedShare, error)
	prepare func(context.Context, signer.Request) (signer.Prepared, error)
	commit  func(context.Context, signer.Commit) error
	discard func(context.Context, keyring.KeyID) error
}

func (f faulty) Export(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
	if f.export != nil {
		return f.export(ctx, r)
	}
	return f.Signer.Export(ctx, r)
}

func (f faulty) Prepare(ctx context.Context, r signer.Request) (signer.Prepared, error) {
	if f.prepare != nil {
		return f.prepare(ctx, r)
	}
	return f.Signer.Prepare(ctx, r)
}

func (f faulty) Commit(ctx context.Context, c signer.Commit) error {
	if f.commit != nil {
		return f.commit(ctx, c)
	}
	return f.Signer.Commit(ctx, c)
}

func (f faulty) Discard(ctx context.Context, key keyring.KeyID) error {
	if f.discard != nil {
		return f.discard(ctx, key)
	}
	return f.Signer.Discard(ctx, key)
}

// with returns the service with its first signer replaced.
func (o *office) with(t *testing.T, replaced faulty) *transfer.Service {
	t.Helper()
	replaced.Signer = o.Signers[0]
	return o.Service(t, replaced, o.Signers[1], o.Signers[2])
}

var errBroken = errors.New("the signer is broken")

func TestExportGivesTheKeyBackToItsOwner(t *testing.T) {
	for _, name := range [][2]string{{"CGGMP21", "secp256k1"}, {"FROST", "ed25519"}} {
		t.Run(name[1], func(t *testing.T) {
			o := newOffice(t)
			o.scheme = rig.Scheme(t, name[0], name[1])
			key := o.mustImport(t)
			exported, err := o.export(t, o.service, key.ID)
			if err != nil {
				t.Fatal(err)
			}
			response := recovery.Response{Scheme: o.scheme, PublicKey: exported.PublicKey, MinSigners: exported.MinSigners}
			for _, s := range exported.Shares {
				response.Shares = append(response.Shares, recovery.SealedShare{SignerID: s.Signer.String(), Envelope: s.Ciphertext})
			}
			recovered, err := o.client.Recover(response, recovery.Options{PublicKey: key.PublicKey})
			if err != nil {
				t.Fatal(err)
			}
			defer recovered.Destroy()
			if string(recovered.Secret.Bytes()) != string(rig.Secret(t).Bytes()) || len(recovered.Bad) > 0 {
				t.Error("another key came back")
			}
		})
	}
}

// Importing an exported key again must not make it look fresh.
func TestAKeyThatWasExportedStaysMarkedWhenImportedAgain(t *testing.T) {
	o := newOffice(t)
	first := o.mustImport(t)
	if _, err := o.export(t, o.service, first.ID); err != nil {
		t.Fatal(err)
	}
	again := o.mustImport(t)
	if again.ID == first.ID || !again.Exported() || !again.ExportedAt.Equal(o.key(t, first.ID).ExportedAt) {
		t.Errorf("imported again as %+v", again)
	}
}

func TestExportIsRecordedBeforeAndAfter(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	if o.key(t, key.ID).Exported() {
		t.Fatal("a fresh key counts as exported")
	}
	var during keyring.Key
	service := o.with(t, faulty{export: func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
		during = o.key(t, key.ID)
		return o.Signers[0].Export(ctx, r)
	}})
	if _, err := o.export(t, service, key.ID); err != nil {
		t.Fatal(err)
	}
	if !during.Exported() {
		t.Error("the key was not marked when a signer was asked")
	}
	sealedTo := o.client.EncryptionKey().Hash()
	entries := o.record(t, audit.ExportBegun, audit.ExportFinished)
	if len(entries) != 2 || entries[0].Kind != audit.ExportBegun || entries[1].Outcome != audit.Released {
		t.Fatalf("recorded %+v", entries)
	}
	for _, e := range entries {
		if e.Org != o.User.Org || e.User != o.User.ID || e.Credential != o.Credential.ID || e.Key != string(key.ID) ||
			e.Export != entries[0].Export || len(e.Action) != 64 || e.Details[audit.EncryptionKeyHash] != hex.EncodeToString(sealedTo[:]) {
			t.Errorf("incomplete: %+v", e)
		}
	}
	o.checkSigners(t, entries[1])
}

func TestASecondExportKeepsTheFirstDate(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	for range 2 {
		if _, err := o.export(t, o.service, key.ID); err != nil {
			t.Fatal(err)
		}
		o.Clock.Advance(10 * time.Minute)
	}
	begun := o.record(t, audit.ExportBegun)
	if got := o.key(t, key.ID).ExportedAt; len(begun) != 2 || got.After(begun[0].Time.Time().Add(time.Second)) {
		t.Errorf("%d exports, first at %v", len(begun), got)
	}
}

func TestAnActionExportsOnce(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	proof := o.proveExport(t, o.Account, key.ID)
	var wait sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wait.Go(func() { _, results[i] = o.service.Export(context.Background(), proof, key.ID) })
	}
	wait.Wait()
	succeeded := 0
	for _, err := range results {
		if err == nil {
			succeeded++
		} else if !errors.Is(err, useraction.ErrReplayed) {
			t.Errorf("got %v", err)
		}
	}
	if succeeded != 1 || len(o.record(t, audit.ExportBegun)) != 1 {
		t.Errorf("%d exports from one action", succeeded)
	}
}

func TestExportThatReleasedNothingIsTakenBack(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	_, err := o.export(t, o.refusing(t, signer.ErrDamaged, signer.ErrDamaged, signer.ErrNoShare), key.ID)
	if !errors.Is(err, signer.ErrDamaged) || !audit.IsRecorded(err) || fault.KindOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
	if o.key(t, key.ID).Exported() {
		t.Error("the key still counts as exported")
	}
	if e := o.record(t, audit.ExportFinished); len(e) != 1 || e[0].Outcome != audit.Void || e[0].Reason != "signer.share-damaged" {
		t.Errorf("recorded %+v", e)
	}
}

// refusing returns a service whose signers answer exports with these errors; nil is an
// honest answer.
func (o *office) refusing(t *testing.T, answers ...error) *transfer.Service {
	t.Helper()
	var signers []signer.Signer
	for i, s := range o.Signers {
		one := faulty{Signer: s}
		if answers[i] != nil {
			one.export = func(context.Context, signer.Request) (signer.SealedShare, error) {
				return signer.SealedShare{}, answers[i]
			}
		}
		signers = append(signers, one)
	}
	return o.Service(t, signers...)
}

func TestExportThatReleasedAShareStaysCounted(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	damaged := fmt.Errorf("opening: %w", signer.ErrDamaged)
	exported, err := o.export(t, o.refusing(t, damaged, damaged, nil), key.ID)
	if !errors.Is(err, signer.ErrDamaged) || exported.Shares != nil {
		t.Errorf("got %v and %d shares", err, len(exported.Shares))
	}
	if !o.key(t, key.ID).Exported() {
		t.Error("a share left its signer, and the key counts as never exported")
	}
	e := o.record(t, audit.ExportFinished)
	if len(e) != 1 || e[0].Outcome != audit.Failed || e[0].Reason != "signer.share-damaged" {
		t.Fatalf("recorded %+v", e)
	}
	bad := slices.DeleteFunc(e[0].Signers, func(s audit.SignerOutcome) bool { return s.Reason == "" })
	if len(bad) != 2 || slices.ContainsFunc(bad, func(s audit.SignerOutcome) bool { return s.Signer == o.Signers[2].Info().ID.String() }) {
		t.Errorf("blamed %+v", bad)
	}
}

// A failed export takes back its own mark, not that of an earlier one.
func TestTakingBackLeavesEarlierExports(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	if _, err := o.export(t, o.service, key.ID); err != nil {
		t.Fatal(err)
	}
	first := o.key(t, key.ID).ExportedAt
	o.Clock.Advance(time.Minute)
	if _, err := o.export(t, o.refusing(t, signer.ErrConsent, signer.ErrConsent, signer.ErrConsent), key.ID); !errors.Is(err, signer.ErrConsent) {
		t.Fatalf("got %v", err)
	}
	if got := o.key(t, key.ID).ExportedAt; !got.Equal(first) {
		t.Errorf("exported at %v, then at %v", first, got)
	}
}

func TestExportRefuses(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	stranger := o.Rig.Account(t, o.Organisation(t), identity.Permissions()...)
	clerk := o.Rig.Account(t, o.User.Org, identity.KeysRead, identity.KeysImport)
	inactive, err := o.Office.CreateOrganisation(context.Background(), "Not activated")
	if err != nil {
		t.Fatal(err)
	}
	early := o.Rig.Account(t, inactive.ID, identity.Permissions()...)
	earlyKey, err := o.service.Import(context.Background(), early.Prove(t, signer.ImportPath, o.Deal(t, o.scheme, 2, rig.Secret(t))))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		by   *rig.Account
		key  keyring.KeyID
		want error
	}{
		"another organisation's user":    {stranger, key.ID, keyring.ErrNotFound},
		"a key that is not there":        {o.Account, "key-x", keyring.ErrNotFound},
		"a user without the permission":  {clerk, key.ID, policy.ErrPermission},
		"an organisation not activated":  {early, earlyKey.ID, policy.ErrNotActivated},
		"someone without it for nothing": {clerk, "key-x", policy.ErrPermission},
	} {
		if _, err := o.service.Export(context.Background(), o.proveExport(t, test.by, test.key), test.key); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(o.record(t, audit.ExportBegun)) > 0 || o.key(t, key.ID).Exported() {
		t.Error("a refused export left a mark")
	}
	if _, err := o.service.Export(context.Background(), useraction.Proof{}, key.ID); err == nil {
		t.Error("exported without a proof")
	}
}

func TestExportRefusesASchemeThatWasNotOffered(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	body, err := json.Marshal(o.client.Request(rig.Scheme(t, "FROST", "ed25519")))
	if err != nil {
		t.Fatal(err)
	}
	proof := o.Prove(t, "/keys/"+string(key.ID)+"/export", string(body))
	if _, err := o.service.Export(context.Background(), proof, key.ID); !errors.Is(err, signer.ErrScheme) {
		t.Errorf("got %v", err)
	}
}

// The caller goes away between the journal and the signers: the export ends properly.
func TestExportThatBeganIsFinishedWithoutItsCaller(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	ctx, leave := context.WithCancel(context.Background())
	service := o.with(t, faulty{export: func(inner context.Context, r signer.Request) (signer.SealedShare, error) {
		leave()
		return o.Signers[0].Export(inner, r)
	}})
	if _, err := service.Export(ctx, o.proveExport(t, o.Account, key.ID), key.ID); err != nil {
		t.Fatal(err)
	}
	if e := o.record(t, audit.ExportFinished); len(e) != 1 || e[0].Outcome != audit.Released {
		t.Errorf("recorded %+v", e)
	}
}

func TestNewRefusesAnImpossibleCluster(t *testing.T) {
	o := newOffice(t)
	config := o.service.Config
	for name, signers := range map[string][]signer.Signer{
		"of one": o.Signers[:1], "of twins": {o.Signers[0], o.Signers[0], o.Signers[1]}, "of fewer than the manifest's": o.Signers[:2], "of strangers": rig.New(t, 3).Signers,
	} {
		config.Signers = signers
		if _, err := transfer.New(config); err == nil {
			t.Errorf("made a service for a cluster %s", name)
		}
	}
}
