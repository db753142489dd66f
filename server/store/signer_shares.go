package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
	"keyferry/shares"
)

const shareColumns = `key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares, sealed, committed, wrapping_key`

// AddShare implements [node.Store]. That the key is the one of the moment is decided by
// the insertion. A share that was discarded and comes back is committed as it was.
func (s *Signer) AddShare(ctx context.Context, share node.Share, about ...audit.Entry) error {
	public, err := publicSharesColumn(share)
	if err != nil {
		return fmt.Errorf("adding share of %s: %w", share.Key, err)
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := sameAsDiscarded(ctx, tx, share, public); err != nil {
			return err
		}
		added, err := tx.changed(ctx, `
			INSERT INTO shares (key_id, org, protocol, curve, public_key, min_signers, share_index, public_shares, sealed, committed, wrapping_key)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, EXISTS (SELECT 1 FROM discarded_shares WHERE key_id = $1), current_key
			FROM wrapping WHERE id = 1 AND current_key = $10
			ON CONFLICT (key_id) DO NOTHING`,
			share.Key, share.Org, share.Scheme.Protocol(), share.Scheme.Curve().Name(), share.PublicKey.Hex(),
			share.MinSigners, share.Index[:], public, share.Blob, share.WrappingKey)
		if err != nil {
			return err
		}
		if added == 0 {
			return isCurrent(ctx, tx, share) // or the share was there
		}
		if err := forgetDiscarded(ctx, tx, share.Key); err != nil {
			return err
		}
		return tx.recordAll(added, about)
	})
	if err != nil {
		return fmt.Errorf("adding share of %s: %w", share.Key, err)
	}
	return nil
}

// Share implements [node.Moment].
func (s *Signer) Share(ctx context.Context, org identity.OrgID, key keyring.KeyID) (node.Share, error) {
	return s.shareIn(ctx, s.readers, org, key)
}

func (s *Signer) shareIn(ctx context.Context, from querier, org identity.OrgID, key keyring.KeyID) (node.Share, error) {
	share, err := s.readShare(ctx, from, org, key)
	if err != nil {
		return node.Share{}, fmt.Errorf("reading share of %.64q: %w", key, err)
	}
	return share, nil
}

func (s *Signer) readShare(ctx context.Context, from querier, org identity.OrgID, key keyring.KeyID) (node.Share, error) {
	rows, err := from.QueryContext(ctx, `SELECT `+shareColumns+` FROM shares WHERE key_id = $1 AND org = $2`, key, org)
	if err != nil {
		return node.Share{}, err
	}
	return s.oneShare(ctx, rows)
}

// oneShare tells trouble with the database from a row that somebody edited: what goes
// wrong when the row has come is the row's fault.
func (s *Signer) oneShare(ctx context.Context, rows rows) (node.Share, error) {
	defer rows.Close()
	if !rows.Next() {
		return node.Share{}, cmp.Or(rows.Err(), node.ErrNoShare)
	}
	share, err := s.scanShare(rows)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", node.ErrUnreadable, err)
	}
	return share, err
}

func (s *Signer) scanShare(r row) (node.Share, error) {
	var (
		share                      node.Share
		protocol, curve, publicKey string
		index, public              []byte
	)
	err := r.Scan(&share.Key, &share.Org, &protocol, &curve, &publicKey, &share.MinSigners, &index, &public, &share.Blob, &share.Committed, &share.WrappingKey)
	if err != nil {
		return node.Share{}, err
	}
	if share.WrappingKey < 1 {
		return node.Share{}, fmt.Errorf("column wrapping_key: %d", share.WrappingKey)
	}
	if share.Scheme, err = parseScheme(protocol, curve); err != nil {
		return node.Share{}, err
	}
	if share.PublicKey, err = s.points.publicKey(share.Scheme.Curve(), publicKey); err != nil {
		return node.Share{}, err
	}
	if share.Index, err = shares.ParseIndex(share.Scheme.Curve(), index); err != nil {
		return node.Share{}, err
	}
	if share.Public, err = s.points.publicShares(share.PublicKey, public); err != nil {
		return node.Share{}, err
	}
	return share, nil
}

// publicSharesColumn writes the public shares one after another, uncompressed, since
// that form is read again with little arithmetic.
func publicSharesColumn(share node.Share) ([]byte, error) {
	curve := share.Scheme.Curve()
	if err := checkPublicKey(share.Scheme, share.PublicKey); err != nil {
		return nil, err
	}
	if len(share.Public) == 0 {
		return nil, errors.New("it has no public shares")
	}
	var column []byte
	for i, point := range share.Public {
		if point.Curve() != curve {
			return nil, fmt.Errorf("public share %d is not on %s", i+1, curve)
		}
		column = append(column, point.Uncompressed()...)
	}
	return column, nil
}

// publicShares reads points that are as long as the public key is.
func (p points) publicShares(publicKey shares.Point, column []byte) (shares.PublicShares, error) {
	curve, size := publicKey.Curve(), len(publicKey.Uncompressed())
	if len(column) == 0 || len(column)%size != 0 {
		return nil, fmt.Errorf("column public_shares: %d bytes are no whole points of %s", len(column), curve)
	}
	public := make(shares.PublicShares, 0, len(column)/size)
	for rest := column; len(rest) > 0; rest = rest[size:] {
		point, err := p.uncompressed(curve, rest[:size])
		if err != nil {
			return nil, fmt.Errorf("column public_shares: %w", err)
		}
		public = append(public, point)
	}
	return public, nil
}

// CommitShare implements [node.Store].
func (s *Signer) CommitShare(ctx context.Context, key keyring.KeyID, about ...audit.Entry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := tx.execRecorded(ctx, about, `UPDATE shares SET committed = TRUE WHERE key_id = $1 AND NOT committed`, key); err != nil {
			return err
		}
		left, err := countShares(ctx, tx, key)
		if err == nil && left == 0 {
			return node.ErrNoShare
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("committing share of %s: %w", key, err)
	}
	return nil
}

// DiscardShare implements [node.Store].
func (s *Signer) DiscardShare(ctx context.Context, key keyring.KeyID, about ...audit.Entry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := tx.execRecorded(ctx, about, `DELETE FROM shares WHERE key_id = $1 AND NOT committed`, key); err != nil {
			return err
		}
		left, err := countShares(ctx, tx, key)
		if err == nil && left > 0 {
			return node.ErrCommitted
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("discarding share of %s: %w", key, err)
	}
	return nil
}

func countShares(ctx context.Context, tx *transaction, key keyring.KeyID) (int, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM shares WHERE key_id = $1`, key).Scan(&n)
	return n, err
}
