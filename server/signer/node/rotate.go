package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/signer"
)

// WrappingToken is what a rotation needs of the node's token beside what the node needs;
// *hsm.Token has it.
type WrappingToken interface {
	// WrappingKeys returns the share-wrapping keys on the token.
	WrappingKeys(ctx context.Context) ([]hsm.WrappingKey, error)
	// MakeWrappingKey makes a key that is newer than all others.
	MakeWrappingKey(ctx context.Context, key hsm.WrappingKey) (hsm.KeyState, error)
	// DestroyWrappingKey destroys one that is not the newest; one that is not there is
	// no error.
	DestroyWrappingKey(ctx context.Context, key hsm.WrappingKey) error
}

// Rotation replaces the key that a node's shares are sealed under. It works beside
// processes that serve: they seal under whatever key the store names, and their share is
// refused if that has changed by then; they read a share again that does not open.
//
// Every step is on disk before the next one, and whoever calls again goes on from there.
// store.Signer.LockRotation keeps two apart. If they meet all the same, one of them ends
// with [ErrMoved]: no step is taken on a key or a share that is not the step's.
type Rotation struct {
	Node  *Node
	Token WrappingToken // the node's own

	// Who is told, and must be given: the new key is on the token; so many shares were
	// sealed under it.
	Made     func(hsm.KeyState)
	Resealed func(done int)

	Survey Survey // of the reading back
}

// The errors of a [Rotation] that operators can do something about.
var (
	// ErrDamagedShares: shares do not open, so that the former key has to stay.
	ErrDamagedShares = errors.New("shares are damaged")
	// ErrUnfinished: the former key is still needed.
	ErrUnfinished = errors.New("the rotation is not finished")
	// ErrOtherToken: store and token are from different sides of a rotation, or the key
	// was taken off the token.
	ErrOtherToken = errors.New("the token does not have the key that the store's shares are under")
)

// Run makes a new key, seals every share under it and reads every share back. The former
// key is still there then. Where a rotation is finished already and its former key is
// still there, Run does nothing. It returns the keys as they are then.
//
// With ErrDamagedShares all others are under the new key, and the rotation can be finished
// when the damaged ones were restored.
func (r Rotation) Run(ctx context.Context) (WrappingKeys, error) {
	return r.advance(ctx, map[Stage]step{Settled: r.begin, Making: r.begin, Resealing: r.finish})
}

// DestroyFormer reads every share back once more and destroys the former key, for ever.
// Where there is none it does nothing.
func (r Rotation) DestroyFormer(ctx context.Context) (WrappingKeys, error) {
	unfinished := func(context.Context, WrappingKeys) error { return ErrUnfinished }
	return r.advance(ctx, map[Stage]step{Making: unfinished, Resealing: unfinished, Resealed: r.condemn, Destroying: r.destroy})
}

// step does what leads from one stage to the next.
type step func(context.Context, WrappingKeys) error

// advance takes steps until a stage has none.
func (r Rotation) advance(ctx context.Context, steps map[Stage]step) (WrappingKeys, error) {
	for {
		keys, err := r.Node.Store.WrappingKeys(ctx)
		if err != nil {
			return WrappingKeys{}, err
		}
		next := steps[keys.Stage]
		if next == nil {
			return keys, nil
		}
		if err := next(ctx, keys); err != nil {
			return keys, err
		}
	}
}

// begin names the new key before it makes it, and makes it the current one. From then on
// nothing is stored that is sealed under the former.
//
// It gives each attempt a name of its own, which no key on the token has: a key that is
// there may be the one of a rotation that this store does not know of, because another
// process is at it or because the store is a backup from before it. What attempts that were
// interrupted have left goes with the former key.
func (r Rotation) begin(ctx context.Context, keys WrappingKeys) error {
	if err := r.Node.hasKey(ctx, keys.Current); err != nil {
		return err
	}
	there, err := r.Token.WrappingKeys(ctx)
	if err != nil {
		return tokenFault(err)
	}
	next := max(keys.Current, keys.Other, slices.Max(there)) + 1
	named := WrappingKeys{keys.Current, next, Making}
	if err := r.move(ctx, keys, named, audit.RotationBegun); err != nil {
		return err
	}
	made, err := r.Token.MakeWrappingKey(ctx, next)
	if err != nil {
		return fmt.Errorf("making a share-wrapping key: %w", tokenFault(err))
	}
	r.Made(made)
	return r.move(ctx, named, WrappingKeys{next, keys.Current, Resealing}, audit.WrappingKeyChanged)
}

func (r Rotation) finish(ctx context.Context, keys WrappingKeys) error {
	if err := r.Node.hasKey(ctx, keys.Current); err != nil {
		return err
	}
	if err := r.resealAll(ctx, keys.Current); err != nil {
		return err
	}
	if err := r.readBack(ctx); err != nil {
		return err
	}
	return r.move(ctx, keys, WrappingKeys{keys.Current, keys.Other, Resealed}, audit.RotationFinished)
}

// condemn makes sure that nothing needs the former key, which may have been kept for
// long. Then it can only go on.
func (r Rotation) condemn(ctx context.Context, keys WrappingKeys) error {
	if err := r.Node.hasKey(ctx, keys.Current); err != nil {
		return err
	}
	if err := r.readBack(ctx); err != nil {
		return err
	}
	return r.move(ctx, keys, WrappingKeys{keys.Current, keys.Other, Destroying}, audit.WrappingKeyDestroying)
}

// destroy destroys whatever is older than the current key: no share is under it, and no
// rotation that would put one there can come to that any more.
func (r Rotation) destroy(ctx context.Context, keys WrappingKeys) error {
	if err := r.Node.hasKey(ctx, keys.Current); err != nil {
		return err
	}
	there, err := r.Token.WrappingKeys(ctx)
	if err != nil {
		return tokenFault(err)
	}
	for _, key := range there {
		if key >= keys.Current {
			continue
		}
		if err := r.Token.DestroyWrappingKey(ctx, key); err != nil {
			return tokenFault(err)
		}
	}
	return r.move(ctx, keys, WrappingKeys{keys.Current, 0, Settled}, audit.WrappingKeyDestroyed)
}

// move records the step with what it is about: the key that is in use then, and the other
// one, which after the last step is gone.
func (r Rotation) move(ctx context.Context, from, to WrappingKeys, kind audit.Kind) error {
	entry := r.Node.entry(kind)
	entry.Details = map[string]string{"current": strconv.Itoa(int(to.Current)), "other": strconv.Itoa(int(cmp.Or(to.Other, from.Other)))}
	return r.Node.Store.MoveWrapping(ctx, from, to, entry)
}

// readBack opens every share from the store.
func (r Rotation) readBack(ctx context.Context) error {
	v, err := r.Node.VerifyShares(ctx, r.Survey)
	if err == nil && v.Damaged > 0 {
		err = fmt.Errorf("%d of %d %w", v.Damaged, v.Damaged+v.Intact, ErrDamagedShares)
	}
	return err
}

// resealAtOnce is how many shares one transaction stores.
const resealAtOnce = 64

// resealAll seals every share under the key that is not under it yet. Damaged ones are
// passed over: reading back finds them.
func (r Rotation) resealAll(ctx context.Context, key hsm.WrappingKey) error {
	done, waiting := 0, []NewBlob{}
	flush := func() error {
		n, err := r.Node.Store.Reseal(ctx, waiting)
		done, waiting = done+n, waiting[:0]
		r.Node.Sweeper.Soon()
		if err == nil && n > 0 {
			r.Resealed(done)
		}
		return err
	}
	err := r.Node.eachShare(ctx, func(name ShareName) error {
		blob, err := r.sealedAnew(ctx, name, key)
		if err != nil || blob.New == nil {
			return err
		}
		if waiting = append(waiting, blob); len(waiting) < resealAtOnce {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// sealedAnew has no New if there is nothing to do, or nothing that can be done.
func (r Rotation) sealedAnew(ctx context.Context, name ShareName, key hsm.WrappingKey) (NewBlob, error) {
	share, err := findShare(ctx, r.Node.Store, name.Org, name.Key)
	var blob []byte
	if err == nil && share.WrappingKey != key {
		blob, err = r.Node.reseal(ctx, share, key)
		err = tokenFault(err)
	}
	if errors.Is(err, signer.ErrNoShare) || errors.Is(err, signer.ErrDamaged) {
		return NewBlob{}, nil
	}
	if err != nil {
		return NewBlob{}, fmt.Errorf("resealing share of %s: %w", name.Key, err)
	}
	return NewBlob{Key: share.Key, Old: share.Blob, New: blob, WrappingKey: key}, nil
}
