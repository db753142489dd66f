package store

import (
	"context"
	"fmt"
	"slices"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

// BeginExport implements [transfer.Journal]. The key must be active and the
// organisation's, else [keyring.ErrNotFound]. All keys of the organisation with the
// same public key are marked: the private key that leaves is theirs too.
func (s *Server) BeginExport(ctx context.Context, action string, e transfer.Export, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		if err := redeem(ctx, tx, action, e.Org, e.BegunAt); err != nil {
			return err
		}
		if err := addExport(ctx, tx, e); err != nil {
			return err
		}
		return recountExports(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("beginning export %s: %w", e.ID, err)
	}
	return nil
}

// addExport adds a running export.
func addExport(ctx context.Context, tx *transaction, e transfer.Export) error {
	return changeOne(ctx, tx, keyring.ErrNotFound, `
		INSERT INTO exports (id, org, key_id, public_key, begun_at, state)
		SELECT CAST($1 AS TEXT), org, id, public_key, CAST($2 AS BIGINT), 'begun'
		FROM keys WHERE org = $3 AND id = $4 AND status = $5`,
		e.ID, e.BegunAt.UnixMilli(), e.Org, e.Key, keyring.Active)
}

// FinishExport implements [transfer.Journal]. It refuses to close an export twice.
func (s *Server) FinishExport(ctx context.Context, e transfer.Export, outcome audit.Outcome, entry audit.Entry) (audit.Place, error) {
	if !slices.Contains([]audit.Outcome{audit.Released, audit.Failed, audit.Void}, outcome) {
		return audit.Place{}, fmt.Errorf("finishing export %s: no export ends as %q", e.ID, outcome)
	}
	var staged *stagedEntry
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		err := closeExport(ctx, tx, e, outcome)
		if err == nil && outcome == audit.Void {
			err = recountExports(ctx, tx, e)
		}
		if err == nil {
			staged, err = tx.stage(entry)
		}
		return err
	})
	if err != nil {
		return audit.Place{}, fmt.Errorf("finishing export %s: %w", e.ID, err)
	}
	return audit.Place{Index: staged.index, Entry: staged.canonical, Log: staged.log}, nil
}

func closeExport(ctx context.Context, tx *transaction, e transfer.Export, outcome audit.Outcome) error {
	return changeOne(ctx, tx, transfer.ErrNotRunning, `
		UPDATE exports SET state = $1 WHERE id = $2 AND org = $3 AND key_id = $4 AND state = 'begun'`,
		outcome, e.ID, e.Org, e.Key)
}

// recountExports sets when the keys with an export's public key were first exported, from
// the exports that are not void.
func recountExports(ctx context.Context, tx *transaction, e transfer.Export) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE keys SET exported_at = (
			SELECT MIN(begun_at) FROM exports
			WHERE exports.org = keys.org AND exports.public_key = keys.public_key AND exports.state <> 'void'
		) WHERE org = $1 AND public_key = (SELECT public_key FROM exports WHERE id = $2)`, e.Org, e.ID)
	return err
}

// runningExports returns the exports that were begun and never closed, oldest first.
func (s *Server) runningExports(ctx context.Context) ([]transfer.Export, error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT id, org, key_id, begun_at FROM exports WHERE state = 'begun' ORDER BY begun_at`)
	return scanAll(rows, err, func(r row) (e transfer.Export, err error) {
		var begun int64
		err = r.Scan(&e.ID, &e.Org, &e.Key, &begun)
		e.BegunAt = timeOf(begun)
		return e, err
	})
}
