//go:build cgo

package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
	"keyferry/shares/dealer"
)

// prepare has all signers prepare, and returns what they commit on.
func (s *stage) prepare(t *testing.T, action useraction.Signed) signer.Commit {
	t.Helper()
	c := signer.Commit{Org: identity.OrgID(action.Input.Organisation), Key: keyring.KeyIDFor(action.ID())}
	for _, one := range s.signers {
		prepared, err := one.Prepare(context.Background(), signer.Request{Action: action})
		must(t, err)
		c.Receipts = append(c.Receipts, prepared.Receipt)
	}
	return c
}

// commits checks what all signers say to a commit.
func (s *stage) commits(t *testing.T, name string, c signer.Commit, want error) {
	t.Helper()
	for i, one := range s.signers {
		if err := one.Commit(context.Background(), c); !errors.Is(err, want) {
			t.Errorf("%s: signer %d: %v", name, i, err)
		}
	}
}

func (s *stage) refusePrepare(t *testing.T, name string, action useraction.Signed, want error) {
	t.Helper()
	for i, one := range s.signers {
		if _, err := one.Prepare(context.Background(), signer.Request{Action: action}); !errors.Is(err, want) {
			t.Errorf("%s: signer %d: %v", name, i, err)
		}
	}
}

// A key belongs to the organisation whose user signed its import, and nobody else can
// have its envelopes filed under another name.
func TestImportIsFiledUnderNoOtherOrganisation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	action := s.victim.Sign(t, signer.ImportPath, s.deal(t))
	moved, borrowed := action, action
	moved.Input.Organisation = string(s.thief.User.Org)
	borrowed.Credential = s.thief.Credential.ID
	s.refusePrepare(t, "moved to another organisation", moved, signer.ErrConsent)
	s.refusePrepare(t, "under another's credential", borrowed, signer.ErrConsent)
	s.refusePrepare(t, "as an import of other shares", withPayload(action, s.deal(t)), signer.ErrConsent)

	commit := s.prepare(t, action)
	s.refusePrepare(t, "the same envelopes, signed by another organisation", s.thief.Sign(t, signer.ImportPath, action.Payload), node.ErrForeignEnvelope)
	stolen := commit
	stolen.Org = s.thief.User.Org
	s.commits(t, "as another organisation's key", stolen, signer.ErrNoShare)
	s.commits(t, "as it was signed", commit, nil)
	s.refuse(t, s.thief.Sign(t, exportPath(commit.Key), exportBody(t, s.attacker)), signer.ErrNoShare)
	recovers(t, s.gives(t, s.signExport(t, s.victim, commit.Key)), s.client)
}

func withPayload(action useraction.Signed, payload string) useraction.Signed {
	action.Payload = payload
	return action
}

// Signers whose shares are of two dealings must not end up with one key: they would
// never give it back. Each has checked its own; the receipts tell them of each other.
func TestPublicSharesThatDifferPerSignerAreNotCommitted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	commit := s.prepare(t, s.victim.Sign(t, signer.ImportPath, mixed(t, s.deal(t), s.deal(t))))
	first := commit.Receipts[0].VectorHash
	if !slices.ContainsFunc(commit.Receipts, func(r signer.SignedReceipt) bool { return r.VectorHash != first }) {
		t.Fatal("the shares do not differ")
	}
	s.commits(t, "with the receipts as they are", commit, signer.ErrReceipts)
	harmonised := commit
	harmonised.Receipts = slices.Clone(commit.Receipts)
	for i := range harmonised.Receipts {
		harmonised.Receipts[i].VectorHash = first
	}
	s.commits(t, "with receipts that were made to agree", harmonised, signer.ErrReceipts)
	alike := commit
	alike.Receipts = slices.DeleteFunc(slices.Clone(commit.Receipts), func(r signer.SignedReceipt) bool { return r.VectorHash != first })
	s.commits(t, "with those only that agree", alike, signer.ErrReceipts)
	s.refuse(t, s.signExport(t, s.victim, commit.Key), signer.ErrNoShare)
	s.commits(t, "of one dealing", s.prepare(t, s.victim.Sign(t, signer.ImportPath, s.deal(t))), nil)
}

// mixed gives the last signers the envelopes of another dealing.
func mixed(t *testing.T, body, other string) string {
	t.Helper()
	var into, from dealer.Request
	must(t, errors.Join(json.Unmarshal([]byte(body), &into), json.Unmarshal([]byte(other), &from)))
	copy(into.EncryptedKeyShares[threshold:], from.EncryptedKeyShares[threshold:])
	text, err := json.Marshal(into)
	must(t, err)
	return string(text)
}

// Receipts are the signers' own. The server can hold them back, and nothing else.
func TestForgedAndForeignReceiptsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	honest := s.prepare(t, s.victim.Sign(t, signer.ImportPath, s.deal(t)))
	another := s.prepare(t, s.victim.Sign(t, signer.ImportPath, s.deal(t)))
	foreign := s.prepare(t, s.thief.Sign(t, signer.ImportPath, s.deal(t)))
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	for name, forge := range map[string]func(i int, r *signer.SignedReceipt){
		"signed by the server": func(_ int, r *signer.SignedReceipt) {
			*r, err = r.Receipt.Sign(r.Signer, own)
			must(t, err)
		},
		"signed by a signer that the attacker runs": func(i int, r *signer.SignedReceipt) {
			r.Signer[0] ^= byte(i + 1)
			*r, err = r.Receipt.Sign(r.Signer, own)
			must(t, err)
		},
		"of another key":              func(i int, r *signer.SignedReceipt) { *r = another.Receipts[i] },
		"of another organisation":     func(i int, r *signer.SignedReceipt) { *r = foreign.Receipts[i] },
		"of another key, renamed":     func(i int, r *signer.SignedReceipt) { *r = another.Receipts[i]; r.Receipt = honest.Receipts[i].Receipt },
		"one signer's for all":        func(_ int, r *signer.SignedReceipt) { *r = honest.Receipts[0] },
		"with the signatures rotated": func(i int, r *signer.SignedReceipt) { r.Signature = honest.Receipts[(i+1)%size].Signature },
	} {
		forged := honest
		forged.Receipts = slices.Clone(honest.Receipts)
		for i := range forged.Receipts {
			forge(i, &forged.Receipts[i])
		}
		s.commits(t, name, forged, signer.ErrReceipts)
	}
	s.commits(t, "none", signer.Commit{Org: honest.Org, Key: honest.Key}, signer.ErrReceipts)
	s.refuse(t, s.signExport(t, s.victim, honest.Key), signer.ErrNoShare)
	s.commits(t, "honest", honest, nil)
	recovers(t, s.gives(t, s.signExport(t, s.victim, honest.Key)), s.client)
}

// What is committed stays, whatever the server asks for.
func TestTheServerCannotDestroyAKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for i, one := range s.signers {
		if err := one.Discard(context.Background(), s.key); !errors.Is(err, signer.ErrCommitted) {
			t.Errorf("signer %d: %v", i, err)
		}
	}
	recovers(t, s.gives(t, s.signExport(t, s.victim, s.key)), s.client)
}
