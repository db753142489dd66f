package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// AddAction implements [useraction.Actions] and records that the action was signed. What
// names it is the challenge itself, so that no challenge is answered twice, whoever made
// it.
func (s *Server) AddAction(ctx context.Context, a useraction.Action) error {
	if a.Used {
		return errors.New("store: a new action is not used")
	}
	id, in := a.ID().String(), a.Input
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		err := changeOne(ctx, tx, useraction.ErrAnswered, `
			INSERT INTO actions (
				id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload,
				credential, credential_kind, client_data, authenticator_data, signature, token_hash
			) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
			ON CONFLICT (id) DO NOTHING`,
			id, in.Label, in.Deployment, in.Organisation, in.User, in.Nonce[:], int64(in.IssuedAt), int64(in.ExpiresAt),
			in.Method, in.Path, in.PayloadHash[:], []byte(a.Payload),
			a.Credential, a.Kind, a.ClientData, a.AuthenticatorData, a.Signature, a.TokenHash[:])
		if err != nil {
			return err
		}
		if err := advance(ctx, tx, a.Signed); err != nil {
			return err
		}
		return tx.record(s.signedEntry(id, a.Signed))
	})
	if err != nil {
		return fmt.Errorf("adding action %s: %w", id, err)
	}
	return nil
}

func (s *Server) signedEntry(id string, by useraction.Signed) audit.Entry {
	return audit.Entry{
		Time: challenge.MillisOf(s.now()), Kind: audit.ActionSigned,
		Org: identity.OrgID(by.Input.Organisation), User: identity.UserID(by.Input.User),
		Credential: by.Credential, Action: id,
	}
}

// ActionByToken implements [useraction.Actions].
func (s *Server) ActionByToken(ctx context.Context, hash [32]byte) (useraction.Action, error) {
	a, err := scanAction(s.readers.QueryRowContext(ctx, `SELECT `+actionColumns+` FROM actions WHERE token_hash = $1`, hash[:]))
	if err != nil {
		return useraction.Action{}, fmt.Errorf("reading user action: %w", orNone(err, useraction.ErrNoAction))
	}
	return a, nil
}

// redeem marks an action of the organisation as used, or returns
// useraction.ErrReplayed: of two that race, one wins. It belongs into the transaction
// of what the action allows. The payload goes: it was handed out, and an import's is a
// key in envelopes, which nobody needs here any longer.
func redeem(ctx context.Context, tx *transaction, id string, org identity.OrgID, at time.Time) error {
	return changeOne(ctx, tx, useraction.ErrReplayed, `
		UPDATE actions SET used_at = $1, payload = $2
		WHERE id = $3 AND org = $4 AND used_at IS NULL`, at.UnixMilli(), []byte{}, id, org)
}

// purgeLimit bounds what one purge removes, so that others need not wait long.
const purgeLimit = 1000

// PurgeActions removes up to 1000 actions that expired before the given time, used
// or not, and returns how many. It opens no replay: an action is looked up and
// redeemed in this very table, and no challenge is answered after its expiry, so that one
// that was removed is unknown for ever: if the given time is past by every server's clock.
// The record that it was signed stays in the audit log.
func (s *Server) PurgeActions(ctx context.Context, before time.Time) (int64, error) {
	var purged int64
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		result, err := tx.ExecContext(ctx, `
			DELETE FROM actions WHERE id IN (SELECT id FROM actions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`,
			before.UnixMilli(), purgeLimit)
		if err != nil {
			return err
		}
		purged, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purging user actions: %w", err)
	}
	return purged, nil
}
