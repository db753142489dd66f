package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
)

// dialect is what differs between one database product and another. The SQL of what is
// stored is not part of it.
type dialect struct {
	goose goose.Dialect
	// open returns a handle for the one writer and a handle for readers.
	open func(ctx context.Context, place string) (write, read *sql.DB, err error)
	// migrating keeps other processes from migrating until it is released. nil where
	// they cannot disturb each other.
	migrating func(ctx context.Context, read *sql.DB) (release func() error, err error)
	// rotating keeps other processes from rotating until it is released, or refuses with
	// ErrRotating at once.
	rotating func(ctx context.Context, db *database) (release func() error, err error)
	// begin returns a transaction that is the only one that writes, having waited until
	// it is.
	begin func(ctx context.Context, write *sql.DB) (session, error)
	// patience is how long a transaction may take; without end if it is zero.
	patience time.Duration
	// instant is true where reading waits for nobody, neither a network nor a writer.
	instant bool
	// unavailable says which errors mean that the database is not there, or not free.
	unavailable func(error) bool
	// conflict says which errors undid a transaction that can simply be repeated.
	conflict func(error) bool
}

// dialectOf tells a database by its place.
func dialectOf(place string) dialect {
	if isPostgres(place) {
		return postgres()
	}
	return sqlite()
}

// database is an open database: readers side by side, and one writer.
type database struct {
	place   string
	dialect dialect
	readers reader
	writes  *sql.DB
	writer  *writer
	points  points
}

func open(ctx context.Context, place string, kind kind) (*database, error) {
	d := dialectOf(place)
	name := printable(place)
	writes, reads, err := d.open(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", name, d.translate(err))
	}
	if err := migrate(ctx, d, writes, reads, kind); err != nil {
		return nil, errors.Join(fmt.Errorf("opening database %s: %w", name, d.translate(err)), writes.Close(), reads.Close())
	}
	return &database{place: place, dialect: d, readers: reader{reads, d}, writes: writes, writer: newWriter(writes, d), points: newPoints()}, nil
}

// Close ends the database. Changes that wait are made, later ones are refused with
// [ErrClosed].
func (db *database) Close() error {
	db.writer.close()
	return errors.Join(db.readers.Close(), db.writes.Close())
}

// write makes a change durable, together with those of other callers.
func (db *database) write(ctx context.Context, change change) error {
	return db.dialect.translate(db.writer.do(ctx, change))
}

// Writable returns why no change can be made any more, or nil. It asks nobody.
func (db *database) Writable() error {
	select {
	case <-db.writer.stopped:
		return db.writer.ended
	default:
		return nil
	}
}

// changeOne runs a statement that is meant for one row, and returns none where there
// is no such row.
func changeOne(ctx context.Context, tx *transaction, none error, query string, args ...any) error {
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

// querier is a [reader], or a [transaction], which sees what is changed in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) row
}

// row is a *sql.Row or the current one of *sql.Rows.
type row interface{ Scan(into ...any) error }

// rows is *sql.Rows.
type rows interface {
	row
	Next() bool
	Err() error
	Close() error
}

// scanAll reads the rows of a query, one after another, with scan.
func scanAll[T any](rows rows, err error, scan func(row) (T, error)) ([]T, error) {
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
