package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// postgres is PostgreSQL. Several processes may have the same database; like SQLite, it
// then has one writer at a time, so that a change sees all that came before it, and no
// two changes wait for each other. What one writer can do is a matter of how many
// changes it commits at once, not of how many writers there are.
func postgres() dialect {
	return dialect{
		goose: goose.DialectPostgres, open: openPostgres, migrating: lockMigrations, rotating: lockRotation, begin: beginPostgres,
		patience: postgresPatience, unavailable: postgresUnavailable, conflict: postgresConflict,
	}
}

// How long to wait for what does not come. A process that vanished, network and all,
// with the right to write loses it when the server finds its transaction idle.
const (
	connectTimeout   = 5 * time.Second
	lockTimeout      = "10s"
	idleTimeout      = "10s"
	postgresPatience = 30 * time.Second
	postgresReaders  = 8 // connections for queries
)

func openPostgres(ctx context.Context, place string) (write, read *sql.DB, err error) {
	c, err := parsePostgres(place)
	if err != nil {
		return nil, nil, err
	}
	write = stdlib.OpenDB(*c, stdlib.OptionAfterConnect(checkPostgres))
	write.SetMaxOpenConns(1)
	query := c.Copy()
	query.RuntimeParams["default_transaction_read_only"] = "on"
	read = stdlib.OpenDB(*query)
	read.SetMaxOpenConns(postgresReaders)
	read.SetMaxIdleConns(postgresReaders)
	if err := ensureSchema(ctx, write, c.RuntimeParams["search_path"]); err != nil {
		return nil, nil, errors.Join(err, write.Close(), read.Close())
	}
	return write, read, nil
}

// checkPostgres reads back what durability hangs on. It does so on each connection,
// since it can be set for a role or a database at any time.
func checkPostgres(ctx context.Context, conn *pgx.Conn) error {
	for setting, fit := range map[string][]string{
		"synchronous_commit": {"on", "remote_apply"}, "fsync": {"on"}, "full_page_writes": {"on"}, "server_encoding": {"UTF8"},
	} {
		var got string
		if err := conn.QueryRow(ctx, `SELECT current_setting($1)`, setting).Scan(&got); err != nil {
			return fmt.Errorf("reading %s: %w", setting, err)
		}
		if !slices.Contains(fit, got) {
			return fmt.Errorf("PostgreSQL has %s %s: it must be %s", setting, got, strings.Join(fit, " or "))
		}
	}
	return nil
}

// ensureSchema makes the schema that the URL names, as a file is made. Where it exists,
// no right to make schemas is needed.
func ensureSchema(ctx context.Context, db *sql.DB, name string) error {
	var current sql.Null[string]
	if err := db.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&current); err != nil {
		return err
	}
	if current.Valid {
		return nil
	}
	if name == "" {
		return errors.New("the role has no schema in this database: name one with search_path=…")
	}
	_, err := db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{name}.Sanitize())
	if sqlState(err) == uniqueViolation { // another process was faster
		return nil
	}
	return err
}

// Advisory locks are the database's own and mean nothing to it: two parties that ask
// for the same number exclude each other. The schema is in the number, so that a
// server and its signers, or two servers, may share a database.
const (
	writingLock   = `SELECT pg_advisory_xact_lock(hashtextextended('keyferry writes ' || current_schema(), 0))`
	migratingLock = `SELECT pg_advisory_lock(hashtextextended('keyferry migrates ' || current_schema(), 0))`
	migratingDone = `SELECT pg_advisory_unlock(hashtextextended('keyferry migrates ' || current_schema(), 0))`
	rotatingLock  = `SELECT pg_try_advisory_lock(hashtextextended('keyferry rotates ' || current_schema(), 0))`
	rotatingDone  = `SELECT pg_advisory_unlock(hashtextextended('keyferry rotates ' || current_schema(), 0))`
)

// beginPostgres takes a lock that lasts until the transaction ends. Each statement behind it
// sees what was committed before: the writer is alone. With another isolation, whatever the
// role's or a pooler's is, it would see what was there before it waited for the lock.
func beginPostgres(ctx context.Context, write *sql.DB) (session, error) {
	tx, err := write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, writingLock); err != nil {
		tx.Rollback() // nothing was done in it
		return nil, fmt.Errorf("waiting to write: %w", err)
	}
	return tx, nil
}

// lockMigrations lasts as long as its connection, which is none of those that migrate.
// The wait for somebody else's migration is bounded by the context alone.
func lockMigrations(ctx context.Context, read *sql.DB) (release func() error, err error) {
	conn, err := read.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{`SET lock_timeout = 0`, migratingLock, `RESET lock_timeout`} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), migratingDone)
		return errors.Join(err, conn.Close())
	}, nil
}

// lockRotation lasts as long as its connection.
func lockRotation(ctx context.Context, db *database) (release func() error, err error) {
	conn, err := db.readers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var locked bool
	if err = conn.QueryRowContext(ctx, rotatingLock).Scan(&locked); err == nil && !locked {
		err = ErrRotating
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), rotatingDone)
		return errors.Join(err, conn.Close())
	}, nil
}
