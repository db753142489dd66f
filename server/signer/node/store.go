package node

import (
	"context"
	"errors"
	"time"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/shares"
)

// Share is a share at rest.
type Share struct {
	Key        keyring.KeyID
	Org        identity.OrgID
	Scheme     shares.Scheme
	PublicKey  shares.Point
	MinSigners int
	Index      shares.Index
	Public     shares.PublicShares // of all signers, index 1 first
	Blob       []byte              // sealed by the token
	// WrappingKey is the key of the token that Blob is sealed under. It is no part of a
	// share's place: a rotation changes it.
	WrappingKey hsm.WrappingKey
	Committed   bool
}

// Use is the record that something was used that is good for one thing only: an
// action (verify.go), or an imported envelope (claim.go).
type Use struct {
	Action    challenge.Bytes // the hash that names it; an action's is that of its input
	Digest    [32]byte        // of what it was used for or with
	ExpiresAt time.Time       // the record is needed until then
}

// The errors of a [Store] that a node tells apart.
var (
	// ErrNoShare: there is no such share.
	ErrNoShare = errors.New("node: no such share")
	// ErrUnreadable: a stored share is not one that was stored; somebody edited it.
	ErrUnreadable = errors.New("node: the stored share cannot be read")
	// ErrCommitted: the share is committed, and so stays.
	ErrCommitted = errors.New("node: the share is committed")
	// ErrUsed: it was used with another digest.
	ErrUsed = errors.New("node: it was used for something else")
)

// Moment is what an export asks of a [Store], and tells it.
type Moment interface {
	// Share returns a share, committed or not, or ErrNoShare, or ErrUnreadable.
	Share(ctx context.Context, org identity.OrgID, key keyring.KeyID) (Share, error)
	// Frozen tells whether everything, the organisation or the key is frozen.
	Frozen(ctx context.Context, org identity.OrgID, key keyring.KeyID) (bool, error)
	// UseAction records a use; the same use again is fine, else ErrUsed: of two that
	// race, one wins. Entries are appended each time.
	UseAction(ctx context.Context, u Use, about ...audit.Entry) error
}

// Store keeps a node's shares, used actions, freezes and its audit log. What it
// acknowledged is durable; methods are safe for concurrent use. Entries that are given
// with a change are appended to the log in the same transaction, if it changes anything.
type Store interface {
	audit.Log
	// Enrol records the node's id at the first call and returns the recorded one
	// ever after.
	Enrol(ctx context.Context, id signer.ID) (signer.ID, error)
	// AddShare stores an uncommitted share; one that is there stays as it is. It is
	// ErrKeyReplaced if the share is not sealed under the key of the moment. A committed
	// share that was discarded comes back committed; another in its place is ErrOtherShare.
	AddShare(ctx context.Context, s Share, about ...audit.Entry) error
	// CommitShare makes a share exportable, or ErrNoShare.
	CommitShare(ctx context.Context, key keyring.KeyID, about ...audit.Entry) error
	// DiscardShare removes a share, if it is there; ErrCommitted if it is committed.
	DiscardShare(ctx context.Context, key keyring.KeyID, about ...audit.Entry) error
	// Together has act do what it does of a Moment in one transaction, which nobody
	// else's change comes into. If act fails, nothing of it is left. It may be called
	// again, and does nothing else with the store meanwhile.
	Together(ctx context.Context, act func(context.Context, Moment) error) error
	Moment
	Freezes
	Wrapping
	Verifications
	Discards
}
