package store

import (
	"context"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
)

// BeginImport implements [transfer.Journal].
func (s *Server) BeginImport(ctx context.Context, action string, i transfer.Import, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		if err := redeem(ctx, tx, action, i.Org, i.BegunAt); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO imports (key_id, org, begun_at, state) VALUES ($1, $2, $3, 'begun')`,
			i.Key, i.Org, i.BegunAt.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning import of %s: %w", i.Key, err)
	}
	return nil
}

// FinishImport implements [transfer.Journal]: the import's row goes and the key's
// comes, with its holders and what signers need to commit it. The journal decides by
// itself whether the key counts as exported; Key.ExportedAt is not looked at.
func (s *Server) FinishImport(ctx context.Context, i transfer.Imported, entry audit.Entry) error {
	key := i.Key
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		err := changeOne(ctx, tx, transfer.ErrNotRunning, `
			DELETE FROM imports WHERE key_id = $1 AND org = $2 AND state = 'begun'`, key.ID, key.Org)
		if err != nil {
			return err
		}
		return addImported(ctx, tx, i)
	})
	if err != nil {
		return fmt.Errorf("finishing import of %s: %w", key.ID, err)
	}
	return nil
}

func addImported(ctx context.Context, tx *transaction, i transfer.Imported) error {
	if err := addKey(ctx, tx, i.Key); err != nil {
		return err
	}
	if err := addHolders(ctx, tx, i.Key, i.Holders); err != nil {
		return err
	}
	return addCommit(ctx, tx, i.Key.Org, i.Key.ID, i.Receipts)
}

// AbandonImport implements [transfer.Journal].
func (s *Server) AbandonImport(ctx context.Context, key keyring.KeyID, entry audit.Entry) error {
	err := s.record(ctx, entry, func(ctx context.Context, tx *transaction) error {
		return changeOne(ctx, tx, transfer.ErrNotRunning, `
			UPDATE imports SET state = 'abandoned' WHERE key_id = $1 AND state = 'begun'`, key)
	})
	if err != nil {
		return fmt.Errorf("abandoning import of %s: %w", key, err)
	}
	return nil
}

// ForgetImport implements [transfer.Journal]. One that is not there is no error; one
// that is still running stays.
func (s *Server) ForgetImport(ctx context.Context, key keyring.KeyID) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM imports WHERE key_id = $1 AND state = 'abandoned'`, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting import of %s: %w", key, err)
	}
	return nil
}

// Unfinished implements [transfer.Journal], oldest first.
func (s *Server) Unfinished(ctx context.Context) ([]transfer.Export, []transfer.Import, error) {
	exports, err := s.runningExports(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("listing running exports: %w", err)
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT key_id, org, begun_at, state = 'abandoned' FROM imports ORDER BY begun_at, key_id`)
	imports, err := scanAll(rows, err, func(r row) (i transfer.Import, err error) {
		var begun int64
		err = r.Scan(&i.Key, &i.Org, &begun, &i.Abandoned)
		i.BegunAt = timeOf(begun)
		return i, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("listing open imports: %w", err)
	}
	return exports, imports, nil
}
