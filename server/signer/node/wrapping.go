package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
)

// WrappingKeys is what a store knows of the share-wrapping keys of its token.
type WrappingKeys struct {
	Current hsm.WrappingKey // new shares are sealed under it
	Other   hsm.WrappingKey // another that may be on the token; 0 if Stage is Settled
	Stage   Stage
}

// Stage is how far a rotation has come. It goes from each stage to the next one.
type Stage string

// The stages.
const (
	Settled    Stage = "settled"    // there is no other key
	Making     Stage = "making"     // Other is to take Current's place, and may be half made
	Resealing  Stage = "resealing"  // Other was current before, and shares may be under it
	Resealed   Stage = "resealed"   // no share is under Other any more, and each was read back
	Destroying Stage = "destroying" // Other, and what else is older than Current, may be destroyed already
)

// Known tells whether it is one of the stages.
func (s Stage) Known() bool {
	switch s {
	case Settled, Making, Resealing, Resealed, Destroying:
		return true
	}
	return false
}

// OtherIsUnused tells whether all shares are under the current key, for good.
func (s Stage) OtherIsUnused() bool { return s == Resealed || s == Destroying || s == Settled }

// The errors of [Wrapping] that a node tells apart.
var (
	// ErrKeyReplaced: a share was sealed under a key that is not the current one any
	// more. It has to be sealed again.
	ErrKeyReplaced = errors.New("node: the share-wrapping key was replaced meanwhile")
	// ErrMoved: a rotation has come to another stage meanwhile.
	ErrMoved = errors.New("node: the rotation is at another stage: another process is at it")
	// ErrStillSealed: shares are under another key than the current one.
	ErrStillSealed = errors.New("node: there are shares under another share-wrapping key")
)

// Wrapping is the part of a [Store] that a rotation works on. It is durable and safe for
// concurrent use, also by several processes.
type Wrapping interface {
	// WrappingKeys returns the keys of the moment.
	WrappingKeys(ctx context.Context) (WrappingKeys, error)
	// MoveWrapping goes from one stage to the next, or ErrMoved if from is not how it
	// stands. To a stage for which OtherIsUnused it goes only while every share is
	// under to.Current, else ErrStillSealed.
	MoveWrapping(ctx context.Context, from, to WrappingKeys, about ...audit.Entry) error
	// ShareNames returns up to n names of shares, committed or not, in the order of
	// their keys, behind the given key.
	ShareNames(ctx context.Context, behind keyring.KeyID, n int) ([]ShareName, error)
	// Reseal puts new blobs in the place of old ones, all in one transaction, passes
	// over shares whose blob is not the old one any more, and returns how many it put.
	// It is ErrMoved if a blob is under another key than the one that shares are being
	// resealed under.
	Reseal(ctx context.Context, blobs []NewBlob) (int, error)
}

// ShareName says which share.
type ShareName struct {
	Org identity.OrgID
	Key keyring.KeyID
}

// NewBlob is what takes the place of a share's blob.
type NewBlob struct {
	Key         keyring.KeyID
	Old, New    []byte
	WrappingKey hsm.WrappingKey // that New is sealed under
}

// hasCurrentKey makes sure that the token has the key in use, and works with it.
func (n *Node) hasCurrentKey(ctx context.Context) error {
	keys, err := n.Store.WrappingKeys(ctx)
	if err != nil {
		return err
	}
	return n.hasKey(ctx, keys.Current)
}

// hasKey makes sure that the token has a key that shares are under, and works with it.
func (n *Node) hasKey(ctx context.Context, key hsm.WrappingKey) error {
	err := n.Token.TryWrappingKey(ctx, key)
	if errors.Is(err, hsm.ErrNoWrappingKey) {
		return fmt.Errorf("%w: v%d", ErrOtherToken, key)
	}
	return tokenFault(err)
}
