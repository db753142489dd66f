//go:build cgo

package transfer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/test/rig"
)

func cannotCommit(context.Context, signer.Commit) error { return signer.ErrUnavailable }

// All signers have their shares and the journal says so: the key is there, and what a
// signer missed is made up for.
func TestImportIsRolledForwardWhenASignerCannotCommitYet(t *testing.T) {
	o := newOffice(t)
	key, err := o.importKey(t, o.with(t, faulty{commit: cannotCommit}))
	if err != nil {
		t.Fatal(err)
	}
	if share, err := o.Stores[0].Share(context.Background(), key.Org, key.ID); err != nil || share.Committed {
		t.Fatalf("committed %v, %v", share.Committed, err)
	}
	if exported, err := o.export(t, o.service, key.ID); err != nil || len(exported.Shares) != 2 {
		t.Errorf("meanwhile: %d shares, %v", len(exported.Shares), err)
	}
	if err := o.with(t, faulty{commit: cannotCommit}).Settle(context.Background()); err != nil {
		t.Errorf("a signer that is still away is an error: %v", err)
	}
	for range 2 {
		if err := o.service.Settle(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := o.Store.Uncommitted(context.Background()); err != nil || len(left) > 0 {
		t.Errorf("%d keys are left uncommitted, %v", len(left), err)
	}
	if exported, err := o.export(t, o.service, key.ID); err != nil || len(exported.Shares) != 3 {
		t.Errorf("afterwards: %d shares, %v", len(exported.Shares), err)
	}
}

// A crash between the journal and the commits leaves a whole key.
func TestReconcileCommitsWhatTheJournalHas(t *testing.T) {
	o := newOffice(t)
	var signers []signer.Signer
	for _, s := range o.Signers {
		signers = append(signers, faulty{Signer: s, commit: cannotCommit})
	}
	key, err := o.importKey(t, o.Service(t, signers...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.export(t, o.service, key.ID); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("before: %v", err)
	}
	if err := o.service.Reconcile(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	if exported, err := o.export(t, o.service, key.ID); err != nil || len(exported.Shares) != 3 {
		t.Errorf("afterwards: %d shares, %v", len(exported.Shares), err)
	}
}

// A signer that was away when an import failed forgets its share when it is back. It
// does not keep the server from starting.
func TestAbandonedImportIsDiscardedWhenASignerIsBack(t *testing.T) {
	o := newOffice(t)
	away := faulty{
		Signer:  o.Signers[0],
		discard: func(context.Context, keyring.KeyID) error { return signer.ErrUnavailable },
	}
	broken := faulty{Signer: o.Signers[1], prepare: func(context.Context, signer.Request) (signer.Prepared, error) {
		return signer.Prepared{}, errBroken
	}}
	service := o.Service(t, away, broken, o.Signers[2])
	if _, err := o.importKey(t, service); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if err := service.Reconcile(context.Background(), 0); err != nil {
		t.Errorf("the server does not start: %v", err)
	}
	half := keyring.KeyID(o.record(t, audit.ImportBegun)[0].Key)
	if _, err := o.Stores[0].Share(context.Background(), o.User.Org, half); err != nil {
		t.Fatalf("the share is gone too early: %v", err)
	}
	if err := o.service.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Stores[0].Share(context.Background(), o.User.Org, half); !errors.Is(err, node.ErrNoShare) {
		t.Errorf("half a key is left: %v", err)
	}
	o.checkEmpty(t)
}

// Settle must leave alone what is under way.
func TestSettleLeavesRunningImports(t *testing.T) {
	o := newOffice(t)
	service := o.with(t, faulty{prepare: func(ctx context.Context, r signer.Request) (signer.Prepared, error) {
		prepared, err := o.Signers[0].Prepare(ctx, r)
		if err := o.service.Settle(ctx); err != nil {
			t.Error(err)
		}
		return prepared, err
	}})
	key, err := o.importKey(t, service)
	if err != nil {
		t.Fatal(err)
	}
	if exported, err := o.export(t, o.service, key.ID); err != nil || len(exported.Shares) != 3 {
		t.Errorf("%d shares, %v", len(exported.Shares), err)
	}
}

// The signed payload decides what each signer gets; a client that deals badly, or a
// server that made him, finds that no signer commits.
func TestImportWhosePublicSharesDifferIsCommittedByNobody(t *testing.T) {
	o := newOffice(t)
	one, other := o.Deal(t, o.scheme, 2, rig.Secret(t)), o.Deal(t, o.scheme, 2, rig.Secret(t))
	_, err := o.service.Import(context.Background(), o.Prove(t, signer.ImportPath, mixEnvelopes(t, one, other)))
	if !errors.Is(err, transfer.ErrSharesDiffer) || !audit.IsRecorded(err) {
		t.Errorf("got %v", err)
	}
	o.checkEmpty(t)
}

// Another process with the same journal starts while an export runs here: it leaves the
// export alone, and takes it for interrupted only when no act can last so long.
func TestReconcileLeavesWhatAnotherProcessMayBeAt(t *testing.T) {
	o := newOffice(t)
	key, err := o.importKey(t, o.service)
	if err != nil {
		t.Fatal(err)
	}
	other := o.Service(t)
	service := o.with(t, faulty{export: func(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
		if err := other.Reconcile(ctx, other.LongestAct()); err != nil {
			t.Error(err)
		}
		return o.Signers[0].Export(ctx, r)
	}})
	if _, err := o.export(t, service, key.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(o.record(t, audit.ExportInterrupted)); n != 0 {
		t.Fatalf("%d exports were closed by another process", n)
	}
	left := transfer.Export{ID: "ex-left", Org: key.Org, Key: key.ID, BegunAt: o.Clock.Now()}
	proof := o.Prove(t, "/keys/"+string(key.ID)+"/export", "{}")
	if err := o.Store.BeginExport(context.Background(), proof.ActionID(), left, audit.Entry{Kind: audit.ExportBegun}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{0, 1, 1} {
		if err := other.Reconcile(context.Background(), other.LongestAct()); err != nil {
			t.Fatal(err)
		}
		if n := len(o.record(t, audit.ExportInterrupted)); n != want {
			t.Errorf("%d exports are recorded as interrupted, not %d", n, want)
		}
		o.Clock.Advance(other.LongestAct() + time.Second)
	}
}
