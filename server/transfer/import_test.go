//go:build cgo

package transfer_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/transfer"
	"keyferry/test/rig"
)

func TestImportLeavesTheWholeKeyOrNothing(t *testing.T) {
	for name, replaced := range map[string]func(o *office) faulty{
		"a signer cannot prepare": func(*office) faulty {
			return faulty{prepare: func(context.Context, signer.Request) (signer.Prepared, error) { return signer.Prepared{}, errBroken }}
		},
		"a signer prepares another key": func(o *office) faulty {
			return faulty{prepare: func(ctx context.Context, r signer.Request) (signer.Prepared, error) {
				p, err := o.Signers[0].Prepare(ctx, r)
				p.Receipt.Key = "key-other"
				return p, err
			}}
		},
		"a signer's receipt is not its own": func(o *office) faulty {
			return faulty{prepare: func(ctx context.Context, r signer.Request) (signer.Prepared, error) {
				if _, err := o.Signers[0].Prepare(ctx, r); err != nil {
					return signer.Prepared{}, err
				}
				return o.Signers[1].Prepare(ctx, r)
			}}
		},
		"a signer saw other public shares": func(o *office) faulty {
			return faulty{prepare: func(ctx context.Context, r signer.Request) (signer.Prepared, error) {
				p, err := o.Signers[0].Prepare(ctx, r)
				p.Public = slices.Clone(p.Public)
				slices.Reverse(p.Public)
				return p, err
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			if _, err := o.importKey(t, o.with(t, replaced(o))); err == nil || !audit.IsRecorded(err) {
				t.Fatalf("got %v", err)
			}
			o.checkEmpty(t)
			if e := o.record(t, audit.ImportAbandoned); len(e) != 1 || e[0].Outcome != audit.Void || e[0].Reason == "" {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

func TestImportIsRecordedBeforeAndAfter(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	entries := o.record(t, audit.ImportBegun, audit.ImportFinished)
	if len(entries) != 2 || entries[0].Kind != audit.ImportBegun || entries[1].Kind != audit.ImportFinished || entries[1].Outcome != audit.Stored {
		t.Fatalf("recorded %+v", entries)
	}
	for _, e := range entries {
		if e.Org != o.User.Org || e.User != o.User.ID || e.Credential != o.Credential.ID || e.Key != string(key.ID) || len(e.Action) != 64 {
			t.Errorf("incomplete: %+v", e)
		}
	}
	o.checkSigners(t, entries[1])
}

// checkSigners checks that an entry names all signers, and no reason of any.
func (o *office) checkSigners(t *testing.T, e audit.Entry) {
	t.Helper()
	var want []audit.SignerOutcome
	for _, one := range o.Signers {
		want = append(want, audit.SignerOutcome{Signer: one.Info().ID.String()})
	}
	byID := func(a, b audit.SignerOutcome) int { return strings.Compare(a.Signer, b.Signer) }
	if got := slices.SortedFunc(slices.Values(e.Signers), byID); !slices.Equal(got, slices.SortedFunc(slices.Values(want), byID)) {
		t.Errorf("%s names the signers %v, not %v", e.Kind, e.Signers, want)
	}
}

// checkEmpty checks that neither the journal nor any signer has a key or a share.
func (o *office) checkEmpty(t *testing.T) {
	t.Helper()
	page, err := o.service.Keys(context.Background(), o.Principal(t), transfer.Cursor{}, 10)
	if err != nil || len(page.Keys) > 0 {
		t.Errorf("%d keys, %v", len(page.Keys), err)
	}
	for _, begun := range o.record(t, audit.ImportBegun) {
		for i, own := range o.Stores {
			if _, err := own.Share(context.Background(), o.User.Org, keyring.KeyID(begun.Key)); !errors.Is(err, node.ErrNoShare) {
				t.Errorf("signer %d still has a share: %v", i, err)
			}
		}
	}
	if exports, imports, err := o.Store.Unfinished(context.Background()); err != nil || len(exports)+len(imports) > 0 {
		t.Errorf("left open: %v, %v, %v", exports, imports, err)
	}
}

func TestImportRefuses(t *testing.T) {
	o := newOffice(t)
	body := o.Deal(t, o.scheme, 2, rig.Secret(t))
	clerk := o.Rig.Account(t, o.User.Org, identity.KeysRead)
	if _, err := o.service.Import(context.Background(), clerk.Prove(t, signer.ImportPath, body)); !errors.Is(err, policy.ErrPermission) {
		t.Errorf("without permission: %v", err)
	}
	var request map[string]any
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		t.Fatal(err)
	}
	list := request["encryptedKeyShares"].([]any)
	list[0].(map[string]any)["encryptedKeyShare"] = base64.StdEncoding.EncodeToString(make([]byte, 300))
	spoiled, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.service.Import(context.Background(), o.Prove(t, signer.ImportPath, string(spoiled))); !errors.Is(err, node.ErrBadShare) || fault.KindOf(err) != fault.Invalid {
		t.Errorf("a share that does not open: %v", err)
	}
	o.checkEmpty(t)
}

func TestReconcileClosesWhatACrashLeftOpen(t *testing.T) {
	o := newOffice(t)
	key := o.mustImport(t)
	ctx := context.Background()
	begun := transfer.Export{ID: "ex-1", Org: key.Org, Key: key.ID, BegunAt: o.Clock.Now()}
	if err := o.Store.BeginExport(ctx, o.proveExport(t, o.Account, key.ID).ActionID(), begun, audit.Entry{Kind: audit.ExportBegun}); err != nil {
		t.Fatal(err)
	}
	proof := o.Prove(t, signer.ImportPath, o.Deal(t, o.scheme, 2, rig.Secret(t)))
	half := keyring.KeyIDFor(proof.Signed().ID())
	if err := o.Store.BeginImport(ctx, proof.ActionID(), transfer.Import{Key: half, Org: key.Org, BegunAt: o.Clock.Now()}, audit.Entry{Kind: audit.ImportBegun, Key: string(half)}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Signers[0].Prepare(ctx, signer.Request{Action: proof.Signed()}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := o.service.Reconcile(ctx, 0); err != nil {
			t.Fatal(err)
		}
	}
	if !o.key(t, key.ID).Exported() {
		t.Error("an interrupted export is not counted")
	}
	if _, err := o.Stores[0].Share(ctx, key.Org, half); !errors.Is(err, node.ErrNoShare) {
		t.Errorf("half a key is left: %v", err)
	}
	if n := len(o.record(t, audit.ExportInterrupted)); n != 1 {
		t.Errorf("%d entries about one interrupted export", n)
	}
	if n := len(o.record(t, audit.ImportAbandoned)); n != 1 {
		t.Errorf("%d entries about one abandoned import", n)
	}
}
