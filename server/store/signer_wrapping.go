package store

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// ErrRotating says that another process rotates the share-wrapping key of the same signer.
var ErrRotating = errors.New("the share-wrapping key is being rotated by another process")

// LockRotation makes its holder the only one who rotates the signer's share-wrapping key,
// until it is released or the process ends, in whatever way; or it is [ErrRotating]. That
// nothing is lost does not depend on it.
func (s *Signer) LockRotation(ctx context.Context) (release func() error, err error) {
	release, err = s.dialect.rotating(ctx, s.database)
	if err != nil {
		return nil, fmt.Errorf("beginning to rotate: %w", s.dialect.translate(err))
	}
	return release, nil
}

// WrappingKeys implements [node.Wrapping].
func (s *Signer) WrappingKeys(ctx context.Context) (node.WrappingKeys, error) {
	var keys node.WrappingKeys
	err := s.readers.QueryRowContext(ctx, `SELECT current_key, other_key, stage FROM wrapping WHERE id = 1`).
		Scan(&keys.Current, &keys.Other, &keys.Stage)
	if err != nil {
		return node.WrappingKeys{}, fmt.Errorf("reading the share-wrapping keys: %w", err)
	}
	if !keys.Stage.Known() || keys.Current < 1 || (keys.Other < 1) != (keys.Stage == node.Settled) {
		return node.WrappingKeys{}, fmt.Errorf("reading the share-wrapping keys: %w: %+v", node.ErrUnreadable, keys)
	}
	return keys, nil
}

// MoveWrapping implements [node.Wrapping].
func (s *Signer) MoveWrapping(ctx context.Context, from, to node.WrappingKeys, about ...audit.Entry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		err := changeOne(ctx, tx, node.ErrMoved, `
			UPDATE wrapping SET current_key = $1, other_key = $2, stage = $3
			WHERE id = 1 AND current_key = $4 AND other_key = $5 AND stage = $6`,
			to.Current, to.Other, to.Stage, from.Current, from.Other, from.Stage)
		if err != nil {
			return err
		}
		if to.Stage.OtherIsUnused() {
			if err := noneElse(ctx, tx, to); err != nil {
				return err
			}
		}
		return tx.recordAll(1, about)
	})
	if err != nil {
		return fmt.Errorf("going on to stage %q of a rotation: %w", to.Stage, err)
	}
	return nil
}

// noneElse looks after the change: nobody else writes in the same transaction, and who
// comes after it seals under the current key only.
func noneElse(ctx context.Context, tx *transaction, keys node.WrappingKeys) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM shares WHERE wrapping_key < $1 OR wrapping_key > $1`, keys.Current).Scan(&n)
	if err == nil && n > 0 {
		return fmt.Errorf("%d shares: %w", n, node.ErrStillSealed)
	}
	return err
}

// isCurrent refuses a share that was sealed under a key that is not in use any more.
func isCurrent(ctx context.Context, tx *transaction, share node.Share) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM wrapping WHERE id = 1 AND current_key = $1`, share.WrappingKey).Scan(&n)
	if err == nil && n == 0 {
		return node.ErrKeyReplaced
	}
	return err
}

// isResealing keeps a process that was left behind by a rotation from putting shares under
// a key that is on its way out, or gone.
func isResealing(ctx context.Context, tx *transaction, b node.NewBlob) error {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM wrapping WHERE id = 1 AND current_key = $1 AND stage = $2`, b.WrappingKey, node.Resealing).Scan(&n)
	if err == nil && n == 0 {
		return node.ErrMoved
	}
	return err
}

// ShareNames implements [node.Wrapping].
func (s *Signer) ShareNames(ctx context.Context, behind keyring.KeyID, n int) ([]node.ShareName, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT org, key_id FROM shares WHERE key_id > $1 ORDER BY key_id LIMIT $2`, behind, n)
	names, err := scanAll(rows, err, scanShareName)
	if err != nil {
		return nil, fmt.Errorf("listing shares: %w", err)
	}
	return names, nil
}

// scanShareName refuses a key that somebody stored as bytes in SQLite: those are behind every
// text, and whoever asks for what is behind one would be given it for ever.
func scanShareName(r row) (name node.ShareName, err error) {
	var key any
	if err := r.Scan(&name.Org, &key); err != nil {
		return node.ShareName{}, err
	}
	text, isText := key.(string)
	if !isText {
		return node.ShareName{}, fmt.Errorf("column key_id of %.64q: %w", key, node.ErrUnreadable)
	}
	name.Key = keyring.KeyID(text)
	return name, nil
}

// Reseal implements [node.Wrapping].
func (s *Signer) Reseal(ctx context.Context, blobs []node.NewBlob) (int, error) {
	changed := 0
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		changed = 0
		for _, b := range blobs {
			if err := isResealing(ctx, tx, b); err != nil {
				return err
			}
			n, err := tx.changed(ctx, `UPDATE shares SET sealed = $1, wrapping_key = $2 WHERE key_id = $3 AND sealed = $4`,
				b.New, b.WrappingKey, b.Key, b.Old)
			if err != nil {
				return fmt.Errorf("of %s: %w", b.Key, err)
			}
			changed += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("storing shares under another key: %w", err)
	}
	return changed, nil
}
