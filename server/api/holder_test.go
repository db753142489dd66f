package api

import (
	"context"
	"crypto/ecdsa"
	"slices"
	"sync"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/shares"
	"keyferry/shares/locked/lockedtest"
	"keyferry/shares/manifest/manifesttest"
	"keyferry/shares/statement"
)

// holder is a signer that has one envelope to give, which it states to be whatever is
// wanted, and takes every share.
type holder struct {
	info     signer.Info
	identity *ecdsa.PrivateKey
	index    int // of its share, from 1
	envelope []byte
	public   shares.PublicShares
	mu       sync.Mutex
	refusal  error          // if set, its answer to everything
	asked    signer.Request // the last export
}

func (h *holder) refuse(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusal = err
}

func (h *holder) answer() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refusal
}

func (h *holder) Info() signer.Info { return h.info }

func (h *holder) Export(_ context.Context, r signer.Request) (signer.SealedShare, error) {
	if err := h.answer(); err != nil {
		return signer.SealedShare{}, err
	}
	h.mu.Lock()
	h.asked = r
	h.mu.Unlock()
	order, err := signer.ParseExport([]byte(r.Action.Payload))
	if err != nil {
		return signer.SealedShare{}, err
	}
	stated, err := h.state(r, order)
	return signer.SealedShare{Signer: h.info.ID, Ciphertext: h.envelope, Statement: stated}, err
}

func (h *holder) state(r signer.Request, order signer.ExportOrder) (statement.Signed, error) {
	id, err := signer.ExportedKey(r.Action.Input.Method, r.Action.Input.Path)
	if err != nil {
		return statement.Signed{}, err
	}
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		return statement.Signed{}, err
	}
	public, err := h.public.PublicKey()
	if err != nil {
		return statement.Signed{}, err
	}
	return statement.Sign(statement.Statement{
		Deployment: deployment, Organisation: r.Action.Input.Organisation, Key: string(id), Scheme: scheme, PublicKey: public, MinSigners: 2,
		Index: shares.IndexOf(h.index), Commitment: h.public[h.index-1], VectorHash: h.public.Hash(),
		EncryptionKeyHash: order.EncryptionKey.Hash(), CiphertextHash: statement.HashCiphertext(h.envelope), ActionHash: r.Action.ID(),
	}, h.info.ID, h.identity)
}

func (h *holder) Prepare(_ context.Context, r signer.Request) (signer.Prepared, error) {
	if err := h.answer(); err != nil {
		return signer.Prepared{}, err
	}
	receipt, err := signer.Receipt{
		Deployment: deployment, Organisation: identity.OrgID(r.Action.Input.Organisation), Key: keyring.KeyIDFor(r.Action.ID()),
		Action: r.Action.ID(), VectorHash: h.public.Hash(),
	}.Sign(h.info.ID, h.identity)
	return signer.Prepared{Public: h.public, Receipt: receipt}, err
}

func (h *holder) Commit(context.Context, signer.Commit) error { return h.answer() }

func (h *holder) Discard(context.Context, keyring.KeyID) error { return nil }

// newHolders returns n signers, sorted by id, and the public key that their public
// shares give, 2 of n.
func newHolders(t testing.TB, n int) ([]*holder, shares.Point) {
	t.Helper()
	dealing, err := shares.Split(shares.Secp256k1, lockedtest.Bytes(t, []byte{31: 7}), 2, n)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	key, err := dealing.Public.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	var holders []*holder
	for range n {
		holders = append(holders, newHolder(t, dealing.Public))
	}
	slices.SortFunc(holders, func(a, b *holder) int { return a.info.ID.Compare(b.info.ID) })
	for i, h := range holders {
		h.index = i + 1
	}
	return holders, key
}

func newHolder(t testing.TB, public shares.PublicShares) *holder {
	t.Helper()
	member, key := manifesttest.NewMember(t, deployment)
	return &holder{info: signer.Info{Member: member}, identity: key, envelope: member.ID[:20], public: public}
}
