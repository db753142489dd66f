// Package manifest is the public description of a cluster: which signers it has, and
// which keys are theirs.
//
//	Member     one signer: its id, its identity keys, its import key, signed
//	Manifest   the cluster, which a client may pin
//
// A signer's id is the hash of its first identity key, for ever. A later identity key
// is linked to the one before by a signature of that one, and the last signs the
// import key. So whoever knows the ids knows whose import key is real, whatever a
// server says: a client that pins a manifest seals to nobody else, and believes
// statements (shares/statement) of nobody else.
package manifest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"keyferry/shares/envelope"
	"keyferry/shares/fields"
)

// The labels of what is signed, so that none of these signatures can be taken for
// another.
const (
	importKeyLabel = "keyferry import key v1"
	linkLabel      = "keyferry identity link v1"
)

// maxIdentities bounds a chain. An identity key is replaced once in years.
const maxIdentities = 64

// ErrSignature says that a member does not hold together.
var ErrSignature = errors.New("the signer's keys are not signed by its identity")

// ID names a signer: SHA-256 of its first identity key's SubjectPublicKeyInfo (DER).
type ID [sha256.Size]byte

// IDOf returns the id of the signer whose first identity key this is.
func IDOf(spki []byte) ID { return sha256.Sum256(spki) }

// ParseID reads padded standard base64 of 32 bytes, in its one canonical spelling.
func ParseID(text string) (ID, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) != len(ID{}) || base64.StdEncoding.EncodeToString(decoded) != text {
		return ID{}, errors.New("a signer id is the base64 of 32 bytes")
	}
	return ID(decoded), nil
}

// String returns padded standard base64.
func (id ID) String() string { return base64.StdEncoding.EncodeToString(id[:]) }

// Compare orders ids by their raw bytes, the order in which shares are numbered.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// Member is what is public of one signer.
type Member struct {
	ID            ID
	Identities    [][]byte               // SubjectPublicKeyInfo of P-256 keys, the first one first
	Links         [][]byte               // Links[i] is Identities[i]'s signature over Identities[i+1]
	EncryptionKey envelope.EncryptionKey // zero: the signer takes in no imports
	Signature     []byte                 // of the last identity key over EncryptionKey
}

// NewMember describes a signer that still has its first identity key. A signer whose token
// has no import key signs that it has none, with the zero key.
func NewMember(deployment string, identity crypto.Signer, key envelope.EncryptionKey) (Member, error) {
	spki, err := x509.MarshalPKIXPublicKey(identity.Public())
	if err != nil {
		return Member{}, fmt.Errorf("encoding identity key: %w", err)
	}
	m := Member{ID: IDOf(spki), Identities: [][]byte{spki}, EncryptionKey: key}
	if m.Signature, err = Sign(identity, m.importKeyText(deployment)); err != nil {
		return Member{}, fmt.Errorf("signing import key: %w", err)
	}
	return m, m.Verify(deployment)
}

// Successor describes the signer with a further identity key: the one in use links it,
// and it signs the import key.
func (m Member) Successor(deployment string, current, next crypto.Signer) (Member, error) {
	spki, err := x509.MarshalPKIXPublicKey(next.Public())
	if err != nil {
		return Member{}, fmt.Errorf("encoding identity key: %w", err)
	}
	link, err := Sign(current, m.linkText(deployment, spki))
	if err != nil {
		return Member{}, fmt.Errorf("linking identity key %d: %w", len(m.Identities)+1, err)
	}
	successor := m
	successor.Identities = append(slices.Clone(m.Identities), spki)
	successor.Links = append(slices.Clone(m.Links), link)
	if successor.Signature, err = Sign(next, successor.importKeyText(deployment)); err != nil {
		return Member{}, fmt.Errorf("signing import key: %w", err)
	}
	return successor, successor.Verify(deployment)
}

// Verify checks the member: its id, the links from its first identity key to the
// last, and that one's signature over the import key.
func (m Member) Verify(deployment string) error {
	n := len(m.Identities)
	if n == 0 || n > maxIdentities || len(m.Links) != n-1 || IDOf(m.Identities[0]) != m.ID {
		return fmt.Errorf("signer %v: %w", m.ID, ErrSignature)
	}
	for i, link := range m.Links {
		if err := Verify(m.Identities[i], m.linkText(deployment, m.Identities[i+1]), link); err != nil {
			return fmt.Errorf("signer %v: identity key %d: %w", m.ID, i+2, err)
		}
	}
	if err := Verify(m.Identity(), m.importKeyText(deployment), m.Signature); err != nil {
		return fmt.Errorf("signer %v: %w", m.ID, err)
	}
	return nil
}

// Imports reports whether shares can be sealed to the signer.
func (m Member) Imports() bool { return !m.EncryptionKey.IsZero() }

// Identity is the identity key in use, the last one.
func (m Member) Identity() []byte { return m.Identities[len(m.Identities)-1] }

// Follows reports whether m and other are one signer: the id and the import key are the
// same, and the identity keys of the one begin with those of the other. Which of the two
// is the older one does not matter: while a key is replaced, some have the old manifest
// and some the new one. It verifies nothing: see [Member.Verify].
func (m Member) Follows(other Member) bool {
	n := min(len(m.Identities), len(other.Identities))
	return n > 0 && m.ID == other.ID && m.EncryptionKey == other.EncryptionKey &&
		slices.EqualFunc(m.Identities[:n], other.Identities[:n], bytes.Equal)
}

// VerifyText checks a signature of [Sign] by any of the member's identity keys: what a key
// signed while it was in use stays true when another has taken its place.
func (m Member) VerifyText(text, signature []byte) error {
	err := ErrSignature
	for _, identity := range slices.Backward(m.Identities) {
		if err = Verify(identity, text, signature); err == nil {
			return nil
		}
	}
	return err
}

func (m Member) linkText(deployment string, next []byte) []byte {
	return fields.Append(nil, []byte(linkLabel), []byte(deployment), m.ID[:], next)
}

func (m Member) importKeyText(deployment string) []byte {
	var key []byte
	if m.Imports() {
		key = m.EncryptionKey.Bytes()
	}
	return fields.Append(nil, []byte(importKeyLabel), []byte(deployment), m.ID[:], m.Identity(), key)
}

// Sign signs SHA-256 of a text with a P-256 key, as ASN.1 DER (SEC 1 §C.8).
func Sign(key crypto.Signer, text []byte) ([]byte, error) {
	digest := sha256.Sum256(text)
	return key.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// Verify checks a signature that [Sign] made, against the SubjectPublicKeyInfo of a
// P-256 key.
func Verify(spki, text, signature []byte) error {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return fmt.Errorf("%w: an identity key is a P-256 key", ErrSignature)
	}
	digest := sha256.Sum256(text)
	if !ecdsa.VerifyASN1(key, digest[:], signature) {
		return ErrSignature
	}
	return nil
}
