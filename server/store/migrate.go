package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

var (
	// ErrNewer refuses a database that a newer version of this program has changed.
	ErrNewer = errors.New("the database is of a newer version: use the program that wrote it, or a newer one")
	// ErrKind refuses a signer's database where a server's is wanted, and vice versa.
	ErrKind = errors.New("the database is of another kind")
)

// kind is what a database is for. It names a folder of migrations, and each database
// says in table store which one it is.
type kind string

const (
	serverKind kind = "server"
	signerKind kind = "signer"
)

// migrations are forward-only: a file that was released is never changed.
//
//go:embed migrations
var migrations embed.FS

// migrate brings a database to the version that this program knows. Of processes that
// start together, one does it.
func migrate(ctx context.Context, d dialect, write, read *sql.DB, kind kind) (err error) {
	if d.migrating != nil {
		release, err := d.migrating(ctx, read)
		if err != nil {
			return fmt.Errorf("waiting to migrate: %w", err)
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	provider, err := newProvider(d, write, kind)
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	if err := checkVersion(ctx, provider, write, kind); err != nil {
		return err
	}
	return up(ctx, provider)
}

func newProvider(d dialect, db *sql.DB, kind kind) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+string(kind))
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if kind == serverKind {
		options = append(options, goose.WithGoMigrations(auditTreeMigration()))
	}
	return goose.NewProvider(d.goose, db, files, options...)
}

// checkVersion refuses databases that are not to be migrated.
func checkVersion(ctx context.Context, provider *goose.Provider, db *sql.DB, kind kind) error {
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading version: %w", err)
	}
	if current > 0 {
		if err := checkKind(ctx, db, kind); err != nil {
			return err
		}
	}
	if current > known {
		return fmt.Errorf("%w (version %d, known is %d)", ErrNewer, current, known)
	}
	return nil
}

// up applies what is missing. Another process may be doing the same at this moment:
// each migration is a transaction, so whoever comes second fails whole, and finds
// the work done when it looks again.
func up(ctx context.Context, provider *goose.Provider) error {
	const attempts, pause = 5, 100 * time.Millisecond
	var err error
	for range attempts {
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("migrating: %w", err)
}

func checkKind(ctx context.Context, db *sql.DB, want kind) error {
	var found kind
	if err := db.QueryRowContext(ctx, `SELECT kind FROM store`).Scan(&found); err != nil {
		return fmt.Errorf("reading the database's kind: %w", orNone(err, ErrKind))
	}
	if found != want {
		return fmt.Errorf("%w: a %s's, not a %s's", ErrKind, found, want)
	}
	return nil
}
