package store

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// Approve implements [transfer.Journal]. The key must be active and the organisation's,
// else [keyring.ErrNotFound]. The action keeps its payload, unlike others that are
// redeemed: signers read it.
func (s *Server) Approve(ctx context.Context, action string, a transfer.Approval, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		err := changeOne(ctx, tx, useraction.ErrReplayed, `
			UPDATE actions SET used_at = $1
			WHERE id = $2 AND org = $3 AND user_id = $4 AND used_at IS NULL`,
			a.At.UnixMilli(), action, a.Org, a.User)
		if err != nil {
			return err
		}
		return changeOne(ctx, tx, keyring.ErrNotFound, `
			INSERT INTO approvals (org, key_id, user_id, encryption_key, action, expires_at)
			SELECT org, id, CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT)
			FROM keys WHERE org = $5 AND id = $6 AND status = $7
			ON CONFLICT (org, key_id, user_id) DO UPDATE
			SET encryption_key = excluded.encryption_key, action = excluded.action, expires_at = excluded.expires_at`,
			a.User, hex.EncodeToString(a.EncryptionKey[:]), action, a.ExpiresAt.UnixMilli(), a.Org, a.Key, keyring.Active)
	})
	if err != nil {
		return fmt.Errorf("approving an export of %s: %w", a.Key, err)
	}
	return nil
}

// Approvals implements [transfer.Journal].
func (s *Server) Approvals(ctx context.Context, wanted transfer.Approval, limit int) ([]useraction.Signed, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT `+actionColumns+` FROM actions WHERE id IN (
			SELECT action FROM approvals
			WHERE org = $1 AND key_id = $2 AND encryption_key = $3 AND user_id <> $4 AND expires_at > $5
			ORDER BY expires_at DESC LIMIT $6
		)`,
		wanted.Org, wanted.Key, hex.EncodeToString(wanted.EncryptionKey[:]), wanted.User, wanted.At.UnixMilli(), limit)
	found, err := scanAll(rows, err, func(r row) (useraction.Signed, error) {
		a, err := scanAction(r)
		return a.Signed, err
	})
	slices.SortFunc(found, func(a, b useraction.Signed) int { return cmp.Compare(b.Input.ExpiresAt, a.Input.ExpiresAt) })
	return found, err
}
