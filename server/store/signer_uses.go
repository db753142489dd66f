package store

import (
	"context"
	"fmt"
	"time"

	"keyferry/server/audit"
	"keyferry/server/signer/node"
)

// UseAction implements [node.Moment].
func (s *Signer) UseAction(ctx context.Context, u node.Use, about ...audit.Entry) error {
	return s.Together(ctx, func(ctx context.Context, at node.Moment) error { return at.UseAction(ctx, u, about...) })
}

// useAction has the insertion decide: a row that is there is left as it is, and met only
// if it has the same digest.
func useAction(ctx context.Context, tx *transaction, u node.Use, about []audit.Entry) error {
	err := changeOne(ctx, tx, node.ErrUsed, `
		INSERT INTO uses (action, digest, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (action) DO UPDATE SET digest = excluded.digest WHERE uses.digest = excluded.digest`,
		u.Action[:], u.Digest[:], u.ExpiresAt.UnixMilli())
	if err == nil {
		err = tx.recordAll(1, about) // each time: a share leaves each time
	}
	if err != nil {
		return fmt.Errorf("using action %x: %w", u.Action, err)
	}
	return nil
}

// useKept is how long a use is kept after its action expired. Without the record
// only the clock refuses a replay; so the clock may be set back by that much before
// one is possible.
const useKept = 24 * time.Hour

// PurgeUses removes up to 1000 uses of actions that expired more than a day before
// now, and returns how many.
func (s *Signer) PurgeUses(ctx context.Context, now time.Time) (int64, error) {
	var purged int64
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		result, err := tx.ExecContext(ctx, `
			DELETE FROM uses WHERE action IN (SELECT action FROM uses WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
			now.Add(-useKept).UnixMilli(), purgeLimit)
		if err != nil {
			return err
		}
		purged, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purging uses: %w", err)
	}
	return purged, nil
}
