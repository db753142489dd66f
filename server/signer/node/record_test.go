//go:build cgo

package node_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// ledger is what a signer's own log must say, in this order.
type ledger struct {
	*cluster
	want []audit.Entry
}

// expect adds an entry about what the cluster's account has signed.
func (l *ledger) expect(kind audit.Kind, by useraction.Signed, key keyring.KeyID, details map[string]string) {
	action := by.ID()
	l.want = append(l.want, audit.Entry{
		Kind: kind, Org: l.User.Org, User: l.User.ID, Credential: l.Credential.ID, Action: hex.EncodeToString(action[:]),
		Key: string(key), Details: details,
	})
}

// check compares the whole log.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	got := rig.Record(t, l.Stores[0])
	for i := range got {
		if age := l.Clock.Now().Sub(got[i].Time.Time()); age < 0 || age > time.Minute {
			t.Errorf("%s was recorded %v ago", got[i].Kind, age)
		}
		got[i].Time, got[i].Version = 0, 0
	}
	if diff := cmp.Diff(l.want, got); diff != "" {
		t.Error(diff)
	}
}

// These are all the acts of a signer but for what its operator and his trust do.
func TestEveryActOfASignerLeavesItsOwnEntry(t *testing.T) {
	ctx := context.Background()
	l := &ledger{cluster: newCluster(t, 2)}
	imported := rig.Record(t, l.Stores[0])[0] // the cluster's key: the action behind it is gone
	imported.Time, imported.Version = 0, 0
	committed := audit.Entry{Kind: audit.ShareCommitted, Org: l.User.Org, Key: string(l.key)}
	if imported.Kind != audit.ShareStored || imported.Key != string(l.key) {
		t.Fatalf("the import was recorded as %+v", imported)
	}
	l.want = []audit.Entry{imported, committed}

	released := l.signExport(t)
	share, err := l.export(released)
	if err != nil || share.Ciphertext == nil {
		t.Fatal(err)
	}
	sealedTo := l.client.EncryptionKey().Hash()
	sealed := map[string]string{audit.EncryptionKeyHash: hex.EncodeToString(sealedTo[:])}
	l.expect(audit.ShareReleased, released, l.key, sealed)

	scope := node.Key(l.key)
	if err := l.Nodes[0].Freeze(ctx, scope); err != nil {
		t.Fatal(err)
	}
	refused := l.signExport(t)
	if _, err := l.export(refused); !errors.Is(err, signer.ErrFrozen) {
		t.Fatalf("got %v", err)
	}
	if err := l.Nodes[0].Thaw(ctx, scope); err != nil {
		t.Fatal(err)
	}
	action, about := refused.ID(), map[string]string{"scope": scope.String()}
	l.want = append(l.want, audit.Entry{Kind: audit.SignerFrozen, Details: about},
		audit.Entry{Kind: audit.SignerRefused, Action: hex.EncodeToString(action[:]), Reason: signer.ErrFrozen.Reason},
		audit.Entry{Kind: audit.SignerThawed, Details: about})

	order := l.order(t)
	commit := l.prepare(t, order)
	if err := l.Nodes[0].Discard(ctx, commit.Key); err != nil {
		t.Fatal(err)
	}
	l.expect(audit.ShareStored, order, commit.Key, nil)
	l.want = append(l.want, audit.Entry{Kind: audit.ShareDiscarded, Key: string(commit.Key)})
	l.check(t)
}
