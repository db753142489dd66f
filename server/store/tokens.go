package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
)

// TokenOwner implements [identity.Accounts].
func (s *Server) TokenOwner(ctx context.Context, id identity.TokenID) (identity.Token, identity.User, error) {
	token, user, err := scanTokenOwner(s.readers.QueryRowContext(ctx, `
		SELECT tokens.id, tokens.org, tokens.user_id, tokens.created_at, tokens.expires_at, tokens.revoked_at, `+userColumns+`
		FROM tokens JOIN users ON users.id = tokens.user_id WHERE tokens.id = $1`, id))
	if err != nil {
		return identity.Token{}, identity.User{}, fmt.Errorf("reading token %.64q: %w", id, orNone(err, identity.ErrUnknownToken))
	}
	return token, user, nil
}

func scanTokenOwner(r row) (identity.Token, identity.User, error) {
	var (
		token            identity.Token
		created, expires int64
		revoked          sql.Null[int64]
		owner            userRow
	)
	columns := []any{&token.ID, &token.Org, &token.User, &created, &expires, &revoked}
	if err := r.Scan(append(columns, owner.into()...)...); err != nil {
		return identity.Token{}, identity.User{}, err
	}
	token.CreatedAt, token.ExpiresAt, token.RevokedAt = timeOf(created), timeOf(expires), nullableTime(revoked)
	user, err := owner.parse()
	return token, user, err
}

// AddToken implements [admin.Registry]; a user who is missing is
// [admin.ErrNotFound].
func (s *Server) AddToken(ctx context.Context, token identity.Token, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		if err := requireUser(ctx, tx, token.Org, token.User); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO tokens (id, org, user_id, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			token.ID, token.Org, token.User, token.CreatedAt.UnixMilli(), token.ExpiresAt.UnixMilli(), nullableMillis(token.RevokedAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("adding token %s: %w", token.ID, err)
	}
	return nil
}

// RevokeToken implements [admin.Registry]. One that was revoked before keeps the
// time of that.
func (s *Server) RevokeToken(ctx context.Context, id identity.TokenID, at time.Time, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		return changeOne(ctx, tx, admin.ErrNotFound, `
			UPDATE tokens SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2`, at.UnixMilli(), id)
	})
	if err != nil {
		return fmt.Errorf("revoking token %.64q: %w", id, err)
	}
	return nil
}
