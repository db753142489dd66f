package store

import (
	"context"
	"fmt"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
)

const credentialColumns = `id, org, user_id, kind, public_key, encrypted_private_key, active, created_at`

func scanCredential(r row) (identity.Credential, error) {
	var c identity.Credential
	var created int64
	if err := r.Scan(&c.ID, &c.Org, &c.User, &c.Kind, &c.PublicKey, &c.EncryptedPrivateKey, &c.Active, &created); err != nil {
		return identity.Credential{}, err
	}
	c.CreatedAt = timeOf(created)
	return c, nil
}

// Credential implements [node.Trust].
func (s *Server) Credential(ctx context.Context, org identity.OrgID, id identity.CredentialID) (identity.Credential, error) {
	c, err := scanCredential(s.readers.QueryRowContext(ctx, `
		SELECT `+credentialColumns+` FROM credentials WHERE org = $1 AND id = $2`, org, id))
	if err != nil {
		return identity.Credential{}, fmt.Errorf("reading credential %.64q: %w", id, orNone(err, node.ErrNoCredential))
	}
	return c, nil
}

// CredentialsOf implements [useraction.Credentials] and [admin.Registry].
func (s *Server) CredentialsOf(ctx context.Context, org identity.OrgID, user identity.UserID) ([]identity.Credential, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT `+credentialColumns+` FROM credentials WHERE org = $1 AND user_id = $2 ORDER BY created_at, id`, org, user)
	list, err := scanAll(rows, err, scanCredential)
	if err != nil {
		return nil, fmt.Errorf("listing credentials of %s: %w", user, err)
	}
	return list, nil
}

// AddCredential implements [admin.Registry]; a user who is missing is
// [admin.ErrNotFound]. Ids are the organisation's own: one organisation cannot tell
// from a refusal what another has.
func (s *Server) AddCredential(ctx context.Context, c identity.Credential, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		if err := requireUser(ctx, tx, c.Org, c.User); err != nil {
			return err
		}
		return changeOne(ctx, tx, admin.ErrExists, `
			INSERT INTO credentials (id, org, user_id, kind, public_key, encrypted_private_key, active, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (org, id) DO NOTHING`,
			c.ID, c.Org, c.User, c.Kind, c.PublicKey, c.EncryptedPrivateKey, c.Active, c.CreatedAt.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("adding credential %.64q: %w", c.ID, err)
	}
	return nil
}

// RevokeCredential implements [admin.Registry].
func (s *Server) RevokeCredential(ctx context.Context, org identity.OrgID, id identity.CredentialID, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		return changeOne(ctx, tx, admin.ErrNotFound, `UPDATE credentials SET active = FALSE WHERE org = $1 AND id = $2`, org, id)
	})
	if err != nil {
		return fmt.Errorf("revoking credential %.64q: %w", id, err)
	}
	return nil
}

// advance sets a credential's counter to the action's, or returns
// useraction.ErrCounter: of two that race with the same counter, one wins. It belongs
// into the transaction that adds the action.
func advance(ctx context.Context, tx *transaction, by useraction.Signed) error {
	counter, counted := by.Counter()
	if !counted {
		return nil
	}
	return changeOne(ctx, tx, useraction.ErrCounter, `
		UPDATE credentials SET counter = $1
		WHERE org = $2 AND id = $3 AND (counter < $1 OR counter = 0 AND $1 = 0)`, int64(counter), by.Input.Organisation, by.Credential)
}
