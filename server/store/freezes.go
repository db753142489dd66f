package store

import (
	"context"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// Freeze implements [node.Freezes].
func (s *Signer) Freeze(ctx context.Context, f node.Freeze, about ...audit.Entry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.execRecorded(ctx, about, `INSERT INTO freezes (scope, since) VALUES ($1, $2) ON CONFLICT (scope) DO NOTHING`,
			f.Scope.String(), f.Since.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("freezing %v: %w", f.Scope, err)
	}
	return nil
}

// Thaw implements [node.Freezes].
func (s *Signer) Thaw(ctx context.Context, scope node.Scope, about ...audit.Entry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.execRecorded(ctx, about, `DELETE FROM freezes WHERE scope = $1`, scope.String())
	})
	if err != nil {
		return fmt.Errorf("thawing %v: %w", scope, err)
	}
	return nil
}

// Frozen implements [node.Moment].
func (s *Signer) Frozen(ctx context.Context, org identity.OrgID, key keyring.KeyID) (bool, error) {
	return frozenIn(ctx, s.readers, org, key)
}

// frozenIn looks for each scope by itself: for a list of them SQLite makes a table first.
func frozenIn(ctx context.Context, from querier, org identity.OrgID, key keyring.KeyID) (bool, error) {
	var frozen bool
	err := from.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM freezes WHERE scope = $1)
			OR EXISTS (SELECT 1 FROM freezes WHERE scope = $2)
			OR EXISTS (SELECT 1 FROM freezes WHERE scope = $3)`,
		node.Everything().String(), node.Organisation(org).String(), node.Key(key).String()).Scan(&frozen)
	if err != nil {
		return false, fmt.Errorf("looking for a freeze of %.64q: %w", key, err)
	}
	return frozen, nil
}

// ListFreezes implements [node.Freezes].
func (s *Signer) ListFreezes(ctx context.Context) ([]node.Freeze, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT scope, since FROM freezes ORDER BY since, scope`)
	freezes, err := scanAll(rows, err, func(r row) (f node.Freeze, err error) {
		var (
			text  string
			since int64
		)
		if err := r.Scan(&text, &since); err != nil {
			return node.Freeze{}, err
		}
		f.Since = timeOf(since)
		f.Scope, err = node.ParseScope(text)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("listing freezes: %w", err)
	}
	return freezes, nil
}
