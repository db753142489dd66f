// Package signer is the contract between the API server and the nodes that hold
// shares.
//
// A [Signer] is asked with a [Request], which carries the user's signed action and
// nothing else. What is to be done (which key, to which encryption key, with which
// shares) a signer reads from what the user signed, through the parsers of this
// package; it verifies the signature against its own trust, and believes the server
// nothing. The API server reads the same payload through the same parsers, so there
// is no second reading that could differ.
//
// server/signer/node is a signer. The contract is the same for one inside the
// server's process and for one elsewhere.
package signer

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/envelope"
)

// ID names a signer for ever: SHA-256 of its first identity public key (the DER of
// its SubjectPublicKeyInfo).
type ID [sha256.Size]byte

// IDOf returns the id of the signer whose first identity key has this
// SubjectPublicKeyInfo.
func IDOf(spki []byte) ID { return sha256.Sum256(spki) }

// ParseID reads padded standard base64 of 32 bytes, in its one canonical spelling.
func ParseID(text string) (ID, error) {
	decoded, err := decodeBase64(text)
	if err != nil || len(decoded) != len(ID{}) {
		return ID{}, errors.New("a signer id is the base64 of 32 bytes")
	}
	return ID(decoded), nil
}

// String returns padded standard base64.
func (id ID) String() string { return base64.StdEncoding.EncodeToString(id[:]) }

// decodeBase64 refuses what Go's decoder would overlook: line breaks and stray bits.
func decodeBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(decoded) != text {
		return nil, errors.New("expected padded standard base64")
	}
	return decoded, nil
}

// Info is what a signer says of itself.
type Info struct {
	ID            ID
	EncryptionKey envelope.EncryptionKey // imported shares are sealed to it
}

// Request asks a signer to do what the user signed.
type Request struct {
	Action useraction.Signed
}

// SealedShare is one signer's answer to an export.
type SealedShare struct {
	Signer     ID
	Ciphertext []byte
}

// Prepared is one signer's answer to the first half of an import: it has its share,
// checked against these public shares, which must be the same for all signers.
type Prepared struct {
	Signer ID
	Key    keyring.KeyID
	Public shares.PublicShares
}

// Signer holds one share of each key.
//
// All methods are safe for concurrent use. Errors are faults of this package where
// they are decisions, and anything else where something is broken. What was
// acknowledged is durable.
type Signer interface {
	// Info needs no round trip.
	Info() Info
	// Export opens the signer's share of the key that the action names and seals it
	// to the encryption key that the action names. The same action may be repeated
	// until it expires; every repetition seals anew.
	Export(ctx context.Context, r Request) (SealedShare, error)
	// Prepare opens the share that the action's payload has for this signer, checks
	// it and keeps it, not yet exportable.
	Prepare(ctx context.Context, r Request) (Prepared, error)
	// Commit makes a prepared share exportable. Repeating it changes nothing.
	Commit(ctx context.Context, key keyring.KeyID) error
	// Discard forgets a share that was prepared for a key that did not come to be.
	// A share that is not there is no error.
	Discard(ctx context.Context, key keyring.KeyID) error
}

// The refusals of signers.
var (
	// ErrConsent: the action is not the consent of a user whom the signer trusts.
	ErrConsent = fault.New(fault.Forbidden, "signer.consent", "user action signature is missing or invalid")
	// ErrReplayed: the action was used before, for something else or too long ago.
	ErrReplayed = fault.New(fault.Invalid, "signer.replayed", "user action has already been used")
	// ErrNoShare: the signer has no share of such a key of that organisation. Who asks
	// for a key that is not there is told so before signers are asked; so this is a
	// share that was lost.
	ErrNoShare = fault.New(fault.Internal, "signer.no-share", "Internal Server Error")
	// ErrDamaged: the stored share is not what was once stored in its place.
	ErrDamaged = fault.New(fault.Internal, "signer.share-damaged", "Internal Server Error")
	// ErrUnavailable: the signer's token or store does not answer now.
	ErrUnavailable = fault.New(fault.Unavailable, "signer.unavailable", "a signer is not available")
)
