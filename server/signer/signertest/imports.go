//go:build cgo

package signertest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"keyferry/server/keyring"
	"keyferry/server/signer"
)

func infoIsTheMember(t *testing.T, c *cluster) {
	for i, one := range c.signers {
		member, known := c.Manifest.Member(c.Nodes[i].Info().ID)
		if !known || !reflect.DeepEqual(one.Info().Member, member) {
			t.Errorf("signer %d says %+v", i, one.Info())
		}
	}
}

func prepareAnswersWithReceipts(t *testing.T, c *cluster) {
	action := c.signImport(t)
	commit, prepared := c.prepare(t, action)
	want := signer.Receipt{
		Deployment: c.Manifest.Deployment, Organisation: commit.Org, Key: commit.Key, Action: action.ID(), VectorHash: prepared[0].Public.Hash(),
	}
	if err := signer.VerifyReceipts(c.Manifest, commit.Receipts, want); err != nil {
		t.Error(err)
	}
	for i, p := range prepared {
		if len(p.Public) != size || p.Public.Hash() != want.VectorHash || p.Public.Check(threshold) != nil {
			t.Errorf("signer %d has other public shares: %v", i, p.Public)
		}
	}
}

func prepareCanBeRepeated(t *testing.T, c *cluster) {
	action := c.signImport(t)
	first, _ := c.prepare(t, action)
	second, _ := c.prepare(t, action)
	for i := range first.Receipts {
		if first.Receipts[i].Receipt != second.Receipts[i].Receipt {
			t.Errorf("signer %d says something else at the second time", i)
		}
	}
}

func commitNeedsEveryReceipt(t *testing.T, c *cluster) {
	commit, _ := c.prepare(t, c.signImport(t))
	other, _ := c.prepare(t, c.signImport(t))
	for name, receipts := range map[string][]signer.SignedReceipt{
		"none":          nil,
		"one missing":   commit.Receipts[1:],
		"another key's": append([]signer.SignedReceipt{other.Receipts[0]}, commit.Receipts[1:]...),
	} {
		bad := signer.Commit{Org: commit.Org, Key: commit.Key, Receipts: receipts}
		if err := c.signers[0].Commit(context.Background(), bad); !errors.Is(err, signer.ErrReceipts) || !signer.Refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	commit.Key = "key-none"
	if err := c.signers[0].Commit(context.Background(), commit); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("a key that is not there: %v", err)
	}
}

func commitIsForEver(t *testing.T, c *cluster) {
	commit, _ := c.prepare(t, c.signImport(t))
	c.commit(t, commit)
	c.commit(t, commit)
	if err := c.signers[0].Discard(context.Background(), commit.Key); !errors.Is(err, signer.ErrCommitted) {
		t.Errorf("discarding: %v", err)
	}
	if _, err := c.export(c.signExport(t, commit.Key)); err != nil {
		t.Errorf("exporting after that: %v", err)
	}
}

func discardForgets(t *testing.T, c *cluster) {
	action := c.signImport(t)
	commit, _ := c.prepare(t, action)
	for _, key := range []keyring.KeyID{commit.Key, commit.Key, "key-none"} {
		if err := c.signers[0].Discard(context.Background(), key); err != nil {
			t.Errorf("discarding %s: %v", key, err)
		}
	}
	if err := c.signers[0].Commit(context.Background(), commit); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("committing what was discarded: %v", err)
	}
	if _, err := c.signers[0].Prepare(context.Background(), signer.Request{Action: action}); !errors.Is(err, signer.ErrReplayed) {
		t.Errorf("preparing what was discarded: %v", err)
	}
}
