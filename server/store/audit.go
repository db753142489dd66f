package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"keyferry/server/audit"
)

// Append implements [audit.Log].
func (s *Server) Append(ctx context.Context, e audit.Entry) error {
	return s.record(ctx, e, func(context.Context, *sql.Tx) error { return nil })
}

// appendEntry appends an entry in the transaction of the change that it records.
// Entries are numbered from 0 without a gap, in the order in which they were
// appended: the row that counts them stays locked until the commit, and a
// transaction that is rolled back takes its number back.
func appendEntry(ctx context.Context, tx *sql.Tx, e audit.Entry) error {
	canonical, err := e.Canonical()
	if err != nil {
		return err
	}
	var seq int64
	err = tx.QueryRowContext(ctx, `UPDATE audit_state SET size = size + 1 WHERE id = 1 RETURNING size - 1`).Scan(&seq)
	if err != nil {
		return fmt.Errorf("numbering audit entry: %w", orNone(err, errNoState))
	}
	hash := audit.LeafHash(canonical)
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_log (seq, entry, leaf_hash) VALUES ($1, $2, $3)`, seq, canonical, hash[:])
	if err != nil {
		return fmt.Errorf("appending audit entry %d: %w", seq, err)
	}
	return nil
}

// errNoState is for a database from which somebody removed the log's one state row.
var errNoState = errors.New("the audit log's state is missing")

// LogEntry is an entry as it is stored. Nothing is checked when it is read: whether
// the hash fits the bytes is for whoever verifies the log.
type LogEntry struct {
	Seq       int64 // from 0, without gaps
	Canonical []byte
	LeafHash  []byte // 32 bytes: audit.LeafHash(Canonical)
}

// Entries returns up to limit entries in their order, from number from on.
func (s *Server) Entries(ctx context.Context, from int64, limit int) ([]LogEntry, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT seq, entry, leaf_hash FROM audit_log WHERE seq >= $1 ORDER BY seq LIMIT $2`, from, limit)
	entries, err := scanAll(rows, err, func(r row) (e LogEntry, err error) {
		err = r.Scan(&e.Seq, &e.Canonical, &e.LeafHash)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading audit log from %d: %w", from, err)
	}
	return entries, nil
}
