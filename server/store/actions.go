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

// AddAction implements [useraction.Actions].
func (s *Server) AddAction(ctx context.Context, a useraction.Action) error {
	if a.Signed != nil || a.Used {
		return errors.New("store: a new action is neither signed nor used")
	}
	in := a.Input
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO actions (
				id, label, deployment, org, user_id, nonce, issued_at, expires_at, method, path, payload_hash, payload
			) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			a.ID, in.Label, in.Deployment, in.Organisation, in.User, in.Nonce[:], int64(in.IssuedAt), int64(in.ExpiresAt),
			in.Method, in.Path, in.PayloadHash[:], []byte(a.Payload))
		return err
	})
	if err != nil {
		return fmt.Errorf("adding action %s: %w", a.ID, err)
	}
	return nil
}

// ActionByID implements [useraction.Actions].
func (s *Server) ActionByID(ctx context.Context, id string) (useraction.Action, error) {
	return actionByID(ctx, s.readers, id)
}

func actionByID(ctx context.Context, from querier, id string) (useraction.Action, error) {
	return readAction(from.QueryRowContext(ctx, `SELECT `+actionColumns+` FROM actions WHERE id = $1`, id))
}

// ActionByToken implements [useraction.Actions].
func (s *Server) ActionByToken(ctx context.Context, hash [32]byte) (useraction.Action, error) {
	return readAction(s.readers.QueryRowContext(ctx, `SELECT `+actionColumns+` FROM actions WHERE token_hash = $1`, hash[:]))
}

func readAction(r row) (useraction.Action, error) {
	a, err := scanAction(r)
	if err != nil {
		return useraction.Action{}, fmt.Errorf("reading user action: %w", orNone(err, useraction.ErrNoAction))
	}
	return a, nil
}

// CompleteAction implements [useraction.Actions] and records that the action was
// signed. An action is complete once it has a token's hash.
func (s *Server) CompleteAction(ctx context.Context, id string, by useraction.Assertion) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		err := changeOne(ctx, tx, useraction.ErrNoAction, `
			UPDATE actions SET
				credential = $1, credential_kind = $2, client_data = $3, authenticator_data = $4, signature = $5, token_hash = $6
			WHERE id = $7 AND token_hash IS NULL`,
			by.Credential, by.Kind, by.ClientData, by.AuthenticatorData, by.Signature, by.TokenHash[:], id)
		if err != nil {
			return err
		}
		a, err := actionByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := advance(ctx, tx, identity.OrgID(a.Input.Organisation), by); err != nil {
			return err
		}
		return tx.record(s.signedEntry(a))
	})
	if err != nil {
		return fmt.Errorf("completing user action %.64q: %w", id, err)
	}
	return nil
}

func (s *Server) signedEntry(a useraction.Action) audit.Entry {
	hash, _ := a.Input.Hash().MarshalText()
	return audit.Entry{
		Time: challenge.MillisOf(s.now()), Kind: audit.ActionSigned,
		Org: identity.OrgID(a.Input.Organisation), User: identity.UserID(a.Input.User),
		Credential: a.Signed.Credential, Action: string(hash),
	}
}

// redeem marks a completed action of the organisation as used, or returns
// useraction.ErrReplayed: of two that race, one wins. It belongs into the transaction
// of what the action allows. The payload goes: it was handed out, and an import's is a
// key in envelopes, which nobody needs here any longer.
func redeem(ctx context.Context, tx *transaction, id string, org identity.OrgID, at time.Time) error {
	return changeOne(ctx, tx, useraction.ErrReplayed, `
		UPDATE actions SET used_at = $1, payload = $2
		WHERE id = $3 AND org = $4 AND token_hash IS NOT NULL AND used_at IS NULL`, at.UnixMilli(), []byte{}, id, org)
}

// purgeLimit bounds what one purge removes, so that others need not wait long.
const purgeLimit = 1000

// PurgeActions removes up to 1000 actions that expired before the given time, used
// or not, and returns how many. It opens no replay: an action is looked up and
// redeemed in this very table, so that one that was removed is unknown for ever. The
// record that it was signed stays in the audit log.
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
