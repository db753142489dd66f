package store

import (
	"context"
	"database/sql"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// session is a transaction as a database product has it: a [*sql.Tx], or less. It is
// over after Commit or Rollback, whatever they return.
type session interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	Commit() error
	Rollback() error
}

// transaction is what a change works in, often together with the changes of other
// callers. The entries that changes record go to the log at its end, all at once.
type transaction struct {
	session
	entries []*stagedEntry
}

// QueryContext reads in the transaction.
func (tx *transaction) QueryContext(ctx context.Context, query string, args ...any) (rows, error) {
	found, err := tx.session.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// QueryRowContext reads in the transaction.
func (tx *transaction) QueryRowContext(ctx context.Context, query string, args ...any) row {
	return tx.session.QueryRowContext(ctx, query, args...)
}

// stagedEntry is an entry on its way to the log. Its place there is valid once the
// transaction is committed.
type stagedEntry struct {
	canonical []byte
	index     int64
	log       *merkle.Growth
}

// record has an entry appended to the log, if the change that records it succeeds and
// the transaction is committed.
func (tx *transaction) record(e audit.Entry) error {
	_, err := tx.stage(e)
	return err
}

func (tx *transaction) stage(e audit.Entry) (*stagedEntry, error) {
	canonical, err := e.Canonical()
	if err != nil {
		return nil, err
	}
	staged := &stagedEntry{canonical: canonical}
	tx.entries = append(tx.entries, staged)
	return staged, nil
}
