//go:build cgo

package node_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// order signs an import of the rig's secret.
func (c *cluster) order(t *testing.T) useraction.Signed {
	t.Helper()
	return c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), 2, rig.Secret(t)))
}

// A server must not make a signer commit a key of which another signer has no share, or
// one of another key. It has no receipts to show for that, and cannot make any.
func TestCommitRefusesWhatNotAllSignersHave(t *testing.T) {
	c := newCluster(t, 3)
	good, other := c.prepare(t, c.order(t)), c.prepare(t, c.order(t))
	for name, spoil := range map[string]func(r []signer.SignedReceipt) []signer.SignedReceipt{
		"no receipts":             func([]signer.SignedReceipt) []signer.SignedReceipt { return nil },
		"its own receipt only":    func(r []signer.SignedReceipt) []signer.SignedReceipt { return r[:1] },
		"one is missing":          func(r []signer.SignedReceipt) []signer.SignedReceipt { return r[1:] },
		"one stands twice":        func(r []signer.SignedReceipt) []signer.SignedReceipt { r[1] = r[0]; return r },
		"one is of another key":   func(r []signer.SignedReceipt) []signer.SignedReceipt { r[2] = other.Receipts[2]; return r },
		"all are of another key":  func([]signer.SignedReceipt) []signer.SignedReceipt { return slices.Clone(other.Receipts) },
		"one says another vector": func(r []signer.SignedReceipt) []signer.SignedReceipt { r[2].VectorHash[0] ^= 1; return r },
		"one has no signature":    func(r []signer.SignedReceipt) []signer.SignedReceipt { r[2].Signature = nil; return r },
		"all name another action": func(r []signer.SignedReceipt) []signer.SignedReceipt {
			for i := range r {
				r[i].Action = challenge.Bytes{1}
			}
			return r
		},
	} {
		spoiled := good
		spoiled.Receipts = spoil(slices.Clone(good.Receipts))
		if err := c.Nodes[0].Commit(context.Background(), spoiled); !errors.Is(err, signer.ErrReceipts) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	export := c.Sign(t, "/keys/"+string(good.Key)+"/export", c.exportBody(t))
	if _, err := c.export(export); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("after all that, it exports: %v", err)
	}
	for range 2 {
		if err := c.Nodes[0].Commit(context.Background(), good); err != nil {
			t.Errorf("the honest commit: %v", err)
		}
	}
	if _, err := c.export(export); err != nil {
		t.Errorf("the committed share: %v", err)
	}
}

// Receipts of another deployment's signers, or of signers that the node's manifest does
// not name, are worth nothing, however many they are.
func TestCommitRefusesReceiptsOfAnotherCluster(t *testing.T) {
	c, stranger := newCluster(t, 2), newCluster(t, 2)
	prepared := c.prepare(t, c.order(t))
	forged := prepared
	forged.Receipts = nil
	for _, foreign := range stranger.prepare(t, stranger.order(t)).Receipts {
		foreign.Receipt = prepared.Receipts[0].Receipt
		forged.Receipts = append(forged.Receipts, foreign)
	}
	if err := c.Nodes[0].Commit(context.Background(), forged); !errors.Is(err, signer.ErrReceipts) {
		t.Errorf("got %v", err)
	}
}

func TestCommitRefusesAKeyOfAnotherOrganisation(t *testing.T) {
	c := newCluster(t, 2)
	prepared := c.prepare(t, c.order(t))
	prepared.Org = identity.OrgID(identity.NewID("or"))
	if err := c.Nodes[0].Commit(context.Background(), prepared); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("got %v", err)
	}
}

// A server that was taken over must not be able to destroy keys.
func TestDiscardKeepsACommittedShare(t *testing.T) {
	c := newCluster(t, 2)
	if err := c.Nodes[0].Discard(context.Background(), c.key); !errors.Is(err, signer.ErrCommitted) {
		t.Errorf("got %v", err)
	}
	if _, err := c.export(c.signExport(t)); err != nil {
		t.Errorf("the share is gone: %v", err)
	}
	if err := c.Nodes[0].Discard(context.Background(), keyring.KeyID("key-none")); err != nil {
		t.Errorf("a share that is not there: %v", err)
	}
}
