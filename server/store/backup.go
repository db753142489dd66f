package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrBackupElsewhere says that a database has tools of its own for this.
var ErrBackupElsewhere = errors.New("a PostgreSQL database is backed up with pg_dump, or with its own log shipping")

// Backup writes an SQLite database, as it is at one moment, to a new file, whether or not
// somebody uses it. The file is on disk when it returns; after an error there is none.
func Backup(ctx context.Context, from, to string) error {
	if isPostgres(from) {
		return ErrBackupElsewhere
	}
	if _, err := os.Stat(from); err != nil { // it would be made
		return fmt.Errorf("backing up: %w", err)
	}
	if err := createEmpty(to); err != nil {
		return fmt.Errorf("backing up %s: %w", from, err)
	}
	if err := errors.Join(copySQLite(ctx, from, to), syncFile(to), syncFolder(filepath.Dir(to))); err != nil {
		return errors.Join(fmt.Errorf("backing up %s: %w", from, err), os.Remove(to))
	}
	return nil
}

// createEmpty makes a file that only its owner reads, and never takes one that is there.
func createEmpty(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	return file.Close()
}

// copySQLite reads in one transaction, which other processes' changes do not disturb. An
// empty file is an empty database, the only one that VACUUM takes as its target.
func copySQLite(ctx context.Context, from, to string) (err error) {
	db, err := sql.Open("sqlite3", sqliteURL(from, "_txlock", "deferred"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
	return err
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
