// Package statement is what a signer says, signed, with each share that it seals.
//
// A statement names everything that the share depends on: whose key it is, which
// share of it, to which encryption key and by which user action it was sealed, and the
// sealed bytes themselves. The API server leaves out shares whose statements are
// wrong; a client that pins the cluster's manifest verifies them again, and so knows
// which signer answered for what, whoever stood between them.
package statement

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"

	"keyferry/shares"
	"keyferry/shares/fields"
	"keyferry/shares/manifest"
)

// label begins the signed text, so that no other signature of an identity key can be
// taken for a statement.
const label = "keyferry statement v1"

// ErrStatement says that a statement is not what its verifier expects, or not its
// signer's.
var ErrStatement = errors.New("the signer's statement is not valid")

// Statement is about one sealed share.
type Statement struct {
	Deployment        string
	Organisation      string
	Key               string // the key's id
	Scheme            shares.Scheme
	PublicKey         shares.Point
	MinSigners        int
	Index             shares.Index
	Commitment        shares.Point // the share's own public share
	VectorHash        [32]byte     // shares.PublicShares.Hash
	EncryptionKeyHash [32]byte     // envelope.EncryptionKey.Hash
	CiphertextHash    [32]byte     // SHA-256
	ActionHash        [32]byte     // the user action's id
	Time              int64        // when it was sealed, milliseconds since 1970 UTC
}

// Signed is a statement with its signer's signature.
type Signed struct {
	Statement
	Signer    manifest.ID
	Signature []byte
}

// HashCiphertext is what Statement.CiphertextHash is of.
func HashCiphertext(ciphertext []byte) [32]byte { return sha256.Sum256(ciphertext) }

// room is more than a statement's text takes, unless names are very long.
const room = 1 << 10

// appendTo appends the text that is signed, all of it fields; numbers are eight bytes,
// big-endian.
func (s Statement) appendTo(dst []byte, signer manifest.ID) []byte {
	return fields.Append(dst,
		[]byte(label), signer[:], []byte(s.Deployment), []byte(s.Organisation), []byte(s.Key),
		[]byte(s.Scheme.Protocol()), []byte(s.Scheme.Curve().Name()), s.PublicKey.Bytes(), fields.Uint64(uint64(s.MinSigners)),
		s.Index[:], s.Commitment.Bytes(), s.VectorHash[:], s.EncryptionKeyHash[:], s.CiphertextHash[:], s.ActionHash[:], fields.Uint64(uint64(s.Time)),
	)
}

// Sign signs a statement with the signer's identity key.
func Sign(s Statement, signer manifest.ID, identity crypto.Signer) (Signed, error) {
	if s.Scheme.IsZero() || s.PublicKey.IsZero() || s.Commitment.IsZero() {
		return Signed{}, fmt.Errorf("%w: it says nothing", ErrStatement)
	}
	signature, err := manifest.Sign(identity, s.appendTo(make([]byte, 0, room), signer))
	if err != nil {
		return Signed{}, fmt.Errorf("signing statement: %w", err)
	}
	return Signed{Statement: s, Signer: signer, Signature: signature}, nil
}

// Verify checks that the signature is the member's. What the statement says is then
// the member's word; [Statement.Check] compares it with what a verifier knows.
func (s Signed) Verify(member manifest.Member) error {
	if s.Scheme.IsZero() || s.PublicKey.IsZero() || s.Commitment.IsZero() || member.ID != s.Signer || len(member.Identities) == 0 {
		return fmt.Errorf("signer %v: %w", s.Signer, ErrStatement)
	}
	if err := member.VerifyText(s.appendTo(make([]byte, 0, room), s.Signer), s.Signature); err != nil {
		return fmt.Errorf("signer %v: %w: %w", s.Signer, ErrStatement, err)
	}
	return nil
}

// Check compares the statement with the one that its verifier would have expected;
// members that are zero in want are not compared.
func (s Statement) Check(want Statement) error {
	for _, c := range []struct {
		name     string
		expected bool
		unequal  bool
	}{
		{"deployment", want.Deployment != "", s.Deployment != want.Deployment},
		{"organisation", want.Organisation != "", s.Organisation != want.Organisation},
		{"key", want.Key != "", s.Key != want.Key},
		{"scheme", !want.Scheme.IsZero(), s.Scheme != want.Scheme},
		{"public key", !want.PublicKey.IsZero(), s.PublicKey != want.PublicKey},
		{"minSigners", want.MinSigners != 0, s.MinSigners != want.MinSigners},
		{"index", want.Index != shares.Index{}, s.Index != want.Index},
		{"commitment", !want.Commitment.IsZero(), s.Commitment != want.Commitment},
		{"vector", want.VectorHash != [32]byte{}, s.VectorHash != want.VectorHash},
		{"encryption key", want.EncryptionKeyHash != [32]byte{}, s.EncryptionKeyHash != want.EncryptionKeyHash},
		{"ciphertext", want.CiphertextHash != [32]byte{}, s.CiphertextHash != want.CiphertextHash},
		{"action", want.ActionHash != [32]byte{}, s.ActionHash != want.ActionHash},
	} {
		if c.expected && c.unequal {
			return fmt.Errorf("%w: another %s", ErrStatement, c.name)
		}
	}
	return nil
}
