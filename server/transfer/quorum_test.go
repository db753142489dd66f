//go:build cgo

package transfer_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/shares/manifest"
	"keyferry/shares/recovery"
	"keyferry/test/rig"
)

// newLargeOffice has five signers and a key of which three are needed.
func newLargeOffice(t *testing.T) (*office, keyring.Key) {
	t.Helper()
	o := newOfficeOf(t, 5)
	body := o.Deal(t, o.scheme, 3, rig.Secret(t))
	key, err := o.service.Import(context.Background(), o.Prove(t, signer.ImportPath, body))
	if err != nil {
		t.Fatal(err)
	}
	return o, key
}

// exporter is what a bad signer does in place of exporting.
type exporter func(context.Context, signer.Request) (signer.SealedShare, error)

// badly returns a service whose first signers behave so, and the ids of these.
func (o *office) badly(t *testing.T, behaviours ...exporter) (*transfer.Service, []string) {
	t.Helper()
	signers, ids := slices.Clone(o.Signers), []string{}
	for i, behaviour := range behaviours {
		signers[i] = faulty{Signer: o.Signers[i], export: behaviour}
		ids = append(ids, o.Signers[i].Info().ID.String())
	}
	slices.Sort(ids)
	return o.hasty(t, signers...), ids
}

// lying exports honestly and then changes the answer.
func (o *office) lying(at int, change func(s *signer.SealedShare)) exporter {
	return func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
		share, err := o.Signers[at].Export(ctx, r)
		if err == nil {
			change(&share)
		}
		return share, err
	}
}

func refusing(err error) exporter {
	return func(context.Context, signer.Request) (signer.SealedShare, error) { return signer.SealedShare{}, err }
}

// missingIn returns who did not do his part in an export, and why.
func missingIn(entry audit.Entry) (ids []string, reasons []fault.Reason) {
	for _, s := range entry.Signers {
		if s.Reason != "" {
			ids, reasons = append(ids, s.Signer), append(reasons, s.Reason)
		}
	}
	slices.Sort(ids)
	return ids, slices.Compact(reasons)
}

// recover puts the key together from an export, without a word about its signers.
func (o *office) recover(t *testing.T, key keyring.Key, exported transfer.Exported) {
	t.Helper()
	response := recovery.Response{Scheme: key.Scheme, PublicKey: exported.PublicKey, MinSigners: exported.MinSigners}
	for _, s := range exported.Shares {
		response.Shares = append(response.Shares, recovery.SealedShare{SignerID: s.Signer.String(), Envelope: s.Ciphertext})
	}
	recovered, err := o.client.Recover(response, recovery.Options{PublicKey: key.PublicKey, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	defer recovered.Destroy()
	if string(recovered.Secret.Bytes()) != string(rig.Secret(t).Bytes()) {
		t.Error("another key came back")
	}
}

// behaviours is what can be wrong with a signer, with the reason that is recorded.
func (o *office) behaviours() map[string]struct {
	of     func(at int) exporter
	reason fault.Reason
} {
	type behaviour = struct {
		of     func(at int) exporter
		reason fault.Reason
	}
	neighbour := func(at int) signer.Signer { return o.Signers[(at+1)%len(o.Signers)] }
	return map[string]behaviour{
		"never answers":     {func(int) exporter { return silent }, "signer.no-answer"},
		"cannot be reached": {func(int) exporter { return refusing(signer.ErrUnavailable) }, "signer.unavailable"},
		"loses its answer":  {func(int) exporter { return refusing(signer.ErrNoAnswer) }, "signer.no-answer"},
		"lost its share":    {func(int) exporter { return refusing(signer.ErrNoShare) }, "signer.no-share"},
		"is frozen":         {func(int) exporter { return refusing(signer.ErrFrozen) }, "signer.frozen"},
		"refuses":           {func(int) exporter { return refusing(signer.ErrConsent) }, "signer.consent"},
		"is broken":         {func(int) exporter { return refusing(errBroken) }, "internal"},
		"panics": {func(int) exporter {
			return func(context.Context, signer.Request) (signer.SealedShare, error) { panic("a bug") }
		}, "internal"},
		"answers nothing": {func(int) exporter { return refusing(nil) }, "signer.statement"},
		"answers late": {func(at int) exporter {
			return func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
				<-ctx.Done()
				return o.Signers[at].Export(context.WithoutCancel(ctx), r)
			}
		}, "signer.no-answer"},
		"answers garbage": {func(at int) exporter {
			return o.lying(at, func(s *signer.SealedShare) { s.Ciphertext = []byte("garbage") })
		}, "signer.statement"},
		"signs nothing": {func(at int) exporter {
			return o.lying(at, func(s *signer.SealedShare) { s.Statement.Signature = nil })
		}, "signer.statement"},
		"claims another index": {func(at int) exporter {
			return o.lying(at, func(s *signer.SealedShare) { s.Statement.Index[31] ^= 7 })
		}, "signer.statement"},
		"answers for another": {func(at int) exporter {
			return func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
				return neighbour(at).Export(ctx, r)
			}
		}, "signer.statement"},
		"uses another's name": {func(at int) exporter {
			return o.lying(at, func(s *signer.SealedShare) { s.Signer = neighbour(at).Info().ID })
		}, "signer.statement"},
	}
}

func TestExportDoesWithoutAnyTwoOfFive(t *testing.T) {
	o, key := newLargeOffice(t)
	for name, bad := range o.behaviours() {
		t.Run(name, func(t *testing.T) {
			before := len(o.record(t, audit.ExportFinished))
			service, ids := o.badly(t, bad.of(0), bad.of(1))
			exported, err := o.export(t, service, key.ID)
			if err != nil || len(exported.Shares) != 3 {
				t.Fatalf("%d shares, %v", len(exported.Shares), err)
			}
			o.recover(t, key, exported)
			entry := o.record(t, audit.ExportFinished)[before]
			missing, reasons := missingIn(entry)
			if entry.Outcome != audit.Released || entry.Reason != "" || !slices.Equal(missing, ids) || !slices.Equal(reasons, []fault.Reason{bad.reason}) {
				t.Errorf("missing %v because of %v, in %+v", missing, reasons, entry)
			}
		})
	}
}

func TestExportDoesNotDoWithoutThreeOfFive(t *testing.T) {
	o, key := newLargeOffice(t)
	for name, bad := range o.behaviours() {
		t.Run(name, func(t *testing.T) {
			before := len(o.record(t, audit.ExportFinished))
			service, _ := o.badly(t, bad.of(0), bad.of(1), bad.of(2))
			exported, err := o.export(t, service, key.ID)
			if err == nil || exported.Shares != nil || !audit.IsRecorded(err) {
				t.Fatalf("%d shares, %v", len(exported.Shares), err)
			}
			if entry := o.record(t, audit.ExportFinished)[before]; entry.Outcome != audit.Failed || entry.Reason == "" {
				t.Errorf("two signers released their shares, and the record is %+v", entry)
			}
		})
	}
	if !o.key(t, key.ID).Exported() {
		t.Error("the key does not count as exported")
	}
}

func TestRefusalBelowTheQuorum(t *testing.T) {
	gone, damaged, frozen, consent := refusing(signer.ErrUnavailable), refusing(signer.ErrDamaged), refusing(signer.ErrFrozen), refusing(signer.ErrConsent)
	for name, test := range map[string]struct {
		bad  []exporter
		kind fault.Kind
		says string
	}{
		"too few can be reached":            {[]exporter{gone, gone, gone}, fault.Unavailable, "2 of 5 signers answered, and 3 are needed"},
		"none can be reached":               {[]exporter{gone, gone, gone, gone, gone}, fault.Unavailable, "0 of 5 signers answered, and 3 are needed"},
		"one damaged, two out of reach":     {[]exporter{damaged, gone, gone}, fault.Unavailable, "2 of 5 signers answered"},
		"three are damaged":                 {[]exporter{damaged, damaged, damaged}, fault.Internal, "signer.share-damaged"},
		"damaged, whatever else is missing": {[]exporter{damaged, damaged, damaged, gone, gone}, fault.Internal, "signer.share-damaged"},
		"three are frozen":                  {[]exporter{frozen, frozen, frozen}, fault.Forbidden, "signer.frozen"},
		"most do not see consent":           {[]exporter{frozen, consent, consent, consent, consent}, fault.Forbidden, "signer.consent"},
		"one alone says that it is frozen":  {[]exporter{frozen, damaged, damaged}, fault.Internal, "signer.share-damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			o, key := newLargeOffice(t)
			service, _ := o.badly(t, test.bad...)
			_, err := o.export(t, service, key.ID)
			if fault.KindOf(err) != test.kind || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
			if exported := o.key(t, key.ID).Exported(); exported != (len(test.bad) < 5) {
				t.Errorf("%d signers released a share, and exported is %v", 5-len(test.bad), exported)
			}
		})
	}
}

// What was lost on the way has left its signer, for all that is known.
func TestALostAnswerCountsAsReleased(t *testing.T) {
	for name, lost := range map[string]exporter{
		"no answer": refusing(signer.ErrNoAnswer), "an unknown error": refusing(errBroken), "no answer in time": silent, "an invalid one": refusing(nil),
	} {
		t.Run(name, func(t *testing.T) {
			o, key := newLargeOffice(t)
			consent := refusing(signer.ErrConsent)
			service, _ := o.badly(t, lost, consent, consent, consent, consent)
			if _, err := o.export(t, service, key.ID); !errors.Is(err, signer.ErrConsent) {
				t.Errorf("got %v", err)
			}
			if e := o.record(t, audit.ExportFinished); len(e) != 1 || e[0].Outcome != audit.Failed || !o.key(t, key.ID).Exported() {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

// Two signers hang for ever, whatever their context says: the caller is answered at the
// deadline. Those that heed their context leave nothing behind.
func TestASlowSignerDoesNotHoldUpTheAnswer(t *testing.T) {
	o, key := newLargeOffice(t)
	release := make(chan struct{})
	hung := func(context.Context, signer.Request) (signer.SealedShare, error) {
		<-release
		return signer.SealedShare{}, errBroken
	}
	before := runtime.NumGoroutine()
	service, _ := o.badly(t, hung, silent)
	begun := time.Now()
	exported, err := o.export(t, service, key.ID)
	if took := time.Since(begun); err != nil || len(exported.Shares) != 3 || took > 5*time.Second {
		t.Errorf("%d shares after %v, %v", len(exported.Shares), took, err)
	}
	close(release)
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// A key is asked of the signers that have it: one that joined the cluster later is none
// of them, and one that left is missed.
func TestExportAsksTheHoldersOfTheKey(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	newcomer := rig.New(t, 2).Signers[0]
	ask := func(signers ...signer.Signer) (transfer.Exported, error) {
		var members []manifest.Member
		for _, one := range signers {
			members = append(members, one.Info().Member)
		}
		cluster, err := manifest.New(rig.Deployment, members)
		if err != nil {
			t.Fatal(err)
		}
		service, err := transfer.New(transfer.Config{Journal: o.Store, Manifest: cluster, Signers: signers, Now: o.Clock.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return o.export(t, service, key.ID)
	}
	exported, err := ask(append(slices.Clone(o.Signers), newcomer)...)
	if err != nil || len(exported.Shares) != 3 {
		t.Fatalf("with a newcomer: %d shares, %v", len(exported.Shares), err)
	}
	if missing, reasons := missingIn(o.record(t, audit.ExportFinished)[0]); len(missing) > 0 {
		t.Errorf("missing %v because of %v", missing, reasons)
	}
	if exported, err = ask(o.Signers[0], o.Signers[1], newcomer); err != nil || len(exported.Shares) != 2 {
		t.Fatalf("without one that left: %d shares, %v", len(exported.Shares), err)
	}
	o.recover(t, key, exported)
	last := o.record(t, audit.ExportFinished)[1]
	if missing, reasons := missingIn(last); !slices.Equal(missing, []string{o.Signers[2].Info().ID.String()}) || !slices.Equal(reasons, []fault.Reason{"signer.unavailable"}) {
		t.Errorf("missing %v because of %v", missing, reasons)
	}
}

// Operators of more than n−t signers stop a key together, without the server.
func TestFreezesOfEnoughSignersStopAnExport(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	for i, want := range []error{nil, signer.ErrFrozen} {
		if err := o.Nodes[i].Freeze(context.Background(), node.Organisation(o.User.Org)); err != nil {
			t.Fatal(err)
		}
		if _, err := o.export(t, o.service, key.ID); !errors.Is(err, want) {
			t.Errorf("%d of 3 are frozen: %v", i+1, err)
		}
	}
}
