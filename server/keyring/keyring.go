// Package keyring is the keys and the states that they may be in.
//
//	(none) ──import──► Active ──► Archived
//
// A key is there with all its shares or not at all: an import under way is a record
// of the journal (server/transfer), and becomes a key in one step. A key that was
// exported stays in its state and carries the time of its first export. Nothing here
// is secret: shares are the signers' own.
package keyring

import (
	"crypto/sha256"
	"errors"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/shares"
)

// KeyID names a key. It is unique in a deployment.
type KeyID string

// maxKeyID is the longest id that the API takes in a path.
const maxKeyID = 64

// ErrNotFound is for a key that does not exist and for one of another organisation:
// the caller is not told which.
var ErrNotFound = fault.New(fault.NotFound, "key.unknown", "key not found")

// ParseKeyID takes any id that the API allows in a path; whether such a key exists
// is another question.
func ParseKeyID(text string) (KeyID, error) {
	if text == "" || len(text) > maxKeyID {
		return "", errors.New("a key id has 1 to 64 characters")
	}
	return KeyID(text), nil
}

// keyIDLabel separates this use of the hash from all others.
const keyIDLabel = "keyferry key id v1"

// KeyIDFor returns the id of the key that an import's user action makes. It follows
// from the action alone, so that every signer computes it by itself, and the same
// action can never make two keys.
func KeyIDFor(action challenge.Bytes) KeyID {
	sum := sha256.Sum256(append([]byte(keyIDLabel), action[:]...))
	return KeyID(identity.DeriveID("key", [16]byte(sum[:16])))
}

// Status is the state of a key.
type Status string

// The states.
const (
	Active   Status = "Active"
	Archived Status = "Archived"
)

// Key is a threshold key as the API server knows it.
type Key struct {
	ID         KeyID
	Org        identity.OrgID
	Scheme     shares.Scheme
	PublicKey  shares.Point
	MinSigners int
	Signers    int // how many shares there are
	Name       string
	Status     Status
	CreatedAt  time.Time
	ExportedAt time.Time // of the first export; zero: never exported
}

// Exported tells whether a share of the key may ever have left a signer.
func (k Key) Exported() bool { return !k.ExportedAt.IsZero() }
