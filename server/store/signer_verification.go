package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"keyferry/server/signer/node"
)

// RecordVerification implements [node.Verifications].
func (s *Signer) RecordVerification(ctx context.Context, v node.Verification) error {
	var succeeded int64
	if v.Damaged == 0 {
		succeeded = v.FinishedAt.UnixMilli()
	}
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO verification (id, finished_at, took, intact, damaged, succeeded_at) VALUES (1, $1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, took = excluded.took, intact = excluded.intact,
				damaged = excluded.damaged,
				succeeded_at = CASE WHEN excluded.damaged = 0 THEN excluded.succeeded_at ELSE verification.succeeded_at END`,
			v.FinishedAt.UnixMilli(), v.Took.Milliseconds(), v.Intact, v.Damaged, succeeded)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording a verification: %w", err)
	}
	return nil
}

// LastVerification implements [node.Verifications].
func (s *Signer) LastVerification(ctx context.Context) (node.Verification, error) {
	var (
		v                         node.Verification
		finished, took, succeeded int64
	)
	err := s.readers.QueryRowContext(ctx, `SELECT finished_at, took, intact, damaged, succeeded_at FROM verification WHERE id = 1`).
		Scan(&finished, &took, &v.Intact, &v.Damaged, &succeeded)
	if errors.Is(err, sql.ErrNoRows) {
		return node.Verification{}, nil
	}
	if err != nil {
		return node.Verification{}, fmt.Errorf("reading the last verification: %w", err)
	}
	v.FinishedAt, v.Took = timeOf(finished), time.Duration(took)*time.Millisecond
	if succeeded != 0 {
		v.SucceededAt = timeOf(succeeded)
	}
	return v, nil
}
