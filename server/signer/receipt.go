package signer

import (
	"crypto"
	"errors"
	"fmt"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/shares/fields"
	"keyferry/shares/manifest"
)

// receiptLabel begins the signed text, so that no other signature of an identity key
// can be taken for a receipt.
const receiptLabel = "keyferry import receipt v1"

// ErrReceipt says that a receipt is not its signer's, or not about the expected key.
var ErrReceipt = errors.New("the signer's receipt is not valid")

// Receipt says that a signer has its share of an imported key, and of which key: the
// hash over the public shares names every share, and so the private key itself. A
// server that told signers of different public shares has no set of receipts that
// agree, and no signer commits without one.
type Receipt struct {
	Deployment   string
	Organisation identity.OrgID
	Key          keyring.KeyID
	Action       challenge.Bytes // the hash that names the import's user action
	VectorHash   [32]byte        // shares.PublicShares.Hash
}

// SignedReceipt is a receipt with its signer's signature.
type SignedReceipt struct {
	Receipt
	Signer    ID
	Signature []byte
}

// encode returns the text that is signed, all of it fields.
func (r Receipt) encode(signer ID) []byte {
	return fields.Append(nil,
		[]byte(receiptLabel), signer[:], []byte(r.Deployment), []byte(r.Organisation), []byte(r.Key), r.Action[:], r.VectorHash[:],
	)
}

// Sign signs the receipt with the signer's identity key.
func (r Receipt) Sign(signer ID, identity crypto.Signer) (SignedReceipt, error) {
	signature, err := manifest.Sign(identity, r.encode(signer))
	if err != nil {
		return SignedReceipt{}, fmt.Errorf("signing receipt: %w", err)
	}
	return SignedReceipt{Receipt: r, Signer: signer, Signature: signature}, nil
}

// Verify checks that the receipt is this one and the member's. Errors wrap ErrReceipt.
func (s SignedReceipt) Verify(member manifest.Member, want Receipt) error {
	if s.Signer != member.ID || len(member.Identities) == 0 {
		return fmt.Errorf("%w: it is of signer %v", ErrReceipt, s.Signer)
	}
	if s.Receipt != want {
		return fmt.Errorf("signer %v: %w: it is for another key", s.Signer, ErrReceipt)
	}
	if err := member.VerifyText(s.encode(s.Signer), s.Signature); err != nil {
		return fmt.Errorf("signer %v: %w: %w", s.Signer, ErrReceipt, err)
	}
	return nil
}

// VerifyReceipts checks that there is exactly one receipt of each signer of the
// cluster, and that all are this one. Errors wrap ErrReceipt.
func VerifyReceipts(cluster manifest.Manifest, receipts []SignedReceipt, want Receipt) error {
	if len(receipts) != len(cluster.Members) {
		return fmt.Errorf("%w: %d receipts of %d signers", ErrReceipt, len(receipts), len(cluster.Members))
	}
	seen := map[ID]bool{}
	for _, receipt := range receipts {
		member, known := cluster.Member(receipt.Signer)
		if !known || seen[receipt.Signer] {
			return fmt.Errorf("%w: signer %v is unknown or there twice", ErrReceipt, receipt.Signer)
		}
		seen[receipt.Signer] = true
		if err := receipt.Verify(member, want); err != nil {
			return err
		}
	}
	return nil
}
