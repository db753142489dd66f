package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
)

// dialect is what differs between one database product and another. The SQL is not
// part of it.
type dialect struct {
	goose goose.Dialect
	// open returns a handle for the one writer and a handle for readers.
	open func(ctx context.Context, path string) (write, read *sql.DB, err error)
}

// database is an open database: readers side by side, and one writer.
type database struct {
	readers *sql.DB
	writes  *sql.DB
	writer  *writer
}

func open(ctx context.Context, d dialect, path string, kind kind) (*database, error) {
	writes, readers, err := d.open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	if err := migrate(ctx, d, writes, kind); err != nil {
		return nil, errors.Join(fmt.Errorf("opening database %s: %w", path, err), writes.Close(), readers.Close())
	}
	return &database{readers: readers, writes: writes, writer: startWriter(writes)}, nil
}

// Close ends the database. Changes that wait are made, later ones are refused with
// [ErrClosed].
func (db *database) Close() error {
	db.writer.close()
	return errors.Join(db.readers.Close(), db.writes.Close())
}

// write makes a change durable, together with those of other callers.
func (db *database) write(ctx context.Context, change change) error {
	return db.writer.do(ctx, change)
}

// changeOne runs a statement that is meant for one row, and returns none where there
// is no such row.
func changeOne(ctx context.Context, tx *sql.Tx, none error, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}

// row is a *sql.Row or the current one of *sql.Rows.
type row interface{ Scan(into ...any) error }

// scanAll reads the rows of a query, one after another, with scan.
func scanAll[T any](rows *sql.Rows, err error, scan func(row) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// orNone puts none in place of the error that says that a query met no row.
func orNone(err, none error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return none
	}
	return err
}
