package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// NamedShare implements [node.Discards].
func (s *Signer) NamedShare(ctx context.Context, key keyring.KeyID) (node.ShareName, error) {
	name := node.ShareName{Key: key}
	err := s.readers.QueryRowContext(ctx, `SELECT org FROM shares WHERE key_id = $1`, key).Scan(&name.Org)
	if err != nil {
		return node.ShareName{}, fmt.Errorf("looking for a share of %.64q: %w", key, orNone(err, node.ErrNoShare))
	}
	return name, nil
}

// DiscardDamaged implements [node.Discards]. What the deletion returns is what it deleted:
// if that is not what was seen, it is undone.
func (s *Signer) DiscardDamaged(ctx context.Context, d node.Discarded, seen node.Share, about ...audit.Entry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := keepPublic(ctx, tx, d); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `DELETE FROM shares WHERE key_id = $1 AND org = $2 RETURNING `+shareColumns, d.Key, d.Org)
		if err != nil {
			return err
		}
		deleted, err := s.oneShare(ctx, rows)
		if err != nil && !errors.Is(err, node.ErrUnreadable) {
			return err
		}
		if !sameReading(deleted, seen) {
			return node.ErrChanged
		}
		return tx.recordAll(1, about)
	})
	if err != nil {
		return fmt.Errorf("discarding the damaged share of %s: %w", d.Key, err)
	}
	return nil
}

// keepPublic keeps what is public of a committed share, readable or not.
func keepPublic(ctx context.Context, tx *transaction, d node.Discarded) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO discarded_shares (reason, discarded_at, key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares)
		SELECT $1, $2, key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares
		FROM shares WHERE key_id = $3 AND org = $4 AND committed
		ON CONFLICT (key_id) DO UPDATE SET
			reason = excluded.reason, discarded_at = excluded.discarded_at, org = excluded.org, protocol = excluded.protocol,
			curve = excluded.curve, public_key = excluded.public_key, min_signers = excluded.min_signers,
			share_index = excluded.share_index, public_shares = excluded.public_shares`,
		d.Reason, d.Since.UnixMilli(), d.Key, d.Org)
	return err
}

// sameReading compares two readings of one row. What could not be read has no key.
func sameReading(a, b node.Share) bool {
	if a.Key == "" || b.Key == "" {
		return a.Key == b.Key
	}
	return a.Key == b.Key && a.Org == b.Org && a.Scheme == b.Scheme && a.PublicKey.Equal(b.PublicKey) && a.MinSigners == b.MinSigners &&
		a.Index == b.Index && a.Public.Hash() == b.Public.Hash() && bytes.Equal(a.Blob, b.Blob) && a.WrappingKey == b.WrappingKey
}

// Discarded implements [node.Discards].
func (s *Signer) Discarded(ctx context.Context, key keyring.KeyID) (node.Discarded, error) {
	d := node.Discarded{ShareName: node.ShareName{Key: key}}
	var since int64
	err := s.readers.QueryRowContext(ctx, `SELECT org, reason, discarded_at FROM discarded_shares WHERE key_id = $1`, key).Scan(&d.Org, &d.Reason, &since)
	if err != nil {
		return node.Discarded{}, fmt.Errorf("looking for a discarded share of %.64q: %w", key, orNone(err, node.ErrNoShare))
	}
	d.Since = timeOf(since)
	return d, nil
}

// sameAsDiscarded refuses a share of a key of which another one was discarded. public is its
// column.
func sameAsDiscarded(ctx context.Context, tx *transaction, share node.Share, public []byte) error {
	var others int
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM discarded_shares WHERE key_id = $1 AND NOT (org = $2 AND protocol = $3 AND curve = $4
			AND public_key = $5 AND min_signers = $6 AND share_index = $7 AND public_shares = $8)`,
		share.Key, share.Org, share.Scheme.Protocol(), share.Scheme.Curve().Name(), share.PublicKey.Hex(),
		share.MinSigners, share.Index[:], public).Scan(&others)
	if err == nil && others > 0 {
		return fmt.Errorf("%w: the one that was discarded", node.ErrOtherShare)
	}
	return err
}

// forgetDiscarded comes after a discarded share came back.
func forgetDiscarded(ctx context.Context, tx *transaction, key keyring.KeyID) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM discarded_shares WHERE key_id = $1`, key)
	return err
}
