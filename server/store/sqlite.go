package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/mattn/go-sqlite3" // also the database/sql driver "sqlite3"
	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
)

// sqlite is SQLite in WAL mode: readers do not wait for the writer, nor it for them.
// Its transactions are alone from their beginning, and none is undone for another's
// sake.
func sqlite() dialect {
	return dialect{
		goose: goose.DialectSQLite3, open: openSQLite, rotating: lockRotationFile, instant: true, unavailable: sqliteUnavailable,
		begin: beginSQLite, conflict: func(error) bool { return false },
	}
}

// sqliteUnavailable is true where another process keeps the file to itself for too
// long, and where the disk is full, fails, or was made read-only.
func sqliteUnavailable(err error) bool {
	trouble, ok := errors.AsType[sqlite3.Error](err)
	return ok && slices.Contains([]sqlite3.ErrNo{
		sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen,
	}, trouble.Code)
}

// fileMode keeps the database to its owner. SQLite gives the same mode to the files
// that it makes beside it.
const fileMode fs.FileMode = 0o600

func openSQLite(ctx context.Context, path string) (write, read *sql.DB, err error) {
	if path == "" {
		return nil, nil, errors.New("no path is configured")
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, nil, err
	}
	if err := errors.Join(createPrivate(path), planOnce()); err != nil {
		return nil, nil, err
	}
	if write, err = sql.Open("sqlite3", sqliteURL(path, "_txlock", "immediate")); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if read, err = sql.Open("sqlite3", sqliteURL(path, "_query_only", "true")); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	readers := max(4, runtime.NumCPU())
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	if err := checkSQLite(ctx, write); err != nil {
		return nil, nil, errors.Join(err, write.Close(), read.Close())
	}
	return write, read, nil
}

// sqliteURL gives the settings that every connection has, and one more. The timeout
// is for commands of another process that write to the same file.
func sqliteURL(path, setting, value string) string {
	settings := url.Values{
		"_journal_mode":    {"WAL"},
		"_synchronous":     {"FULL"},
		"_foreign_keys":    {"true"},
		"_secure_delete":   {"true"}, // what is removed leaves the file too
		"_mutex":           {"no"},   // database/sql lets one caller at a time use a connection
		"_busy_timeout":    {"10000"},
		"_stmt_cache_size": {"64"},
		setting:            {value},
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String()
}

// checkSQLite reads back what durability hangs on: SQLite passes over settings that
// it cannot have, such as WAL on some network file systems.
func checkSQLite(ctx context.Context, db *sql.DB) error {
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
			return fmt.Errorf("reading %s: %w", pragma, err)
		}
		if got != want {
			return fmt.Errorf("SQLite has %s %s in place of %s: the file system is not fit for it", pragma, got, want)
		}
	}
	return nil
}

// createPrivate makes the file before SQLite does, so that it never has another
// mode. One that exists is not opened: closing it again would drop the locks that
// SQLite may hold on it elsewhere in this process (fcntl(2), "record locks").
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return checkPrivate(path)
	}
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if mode := info.Mode().Perm(); mode&^fileMode != 0 {
		return fmt.Errorf("its mode %#o lets others at it: make it %#o", mode, fileMode)
	}
	return nil
}

// syncFolder makes a new name in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// lockRotationFile locks a file beside the database. The lock is the kernel's (flock(2)),
// and ends with the process; the file that stays behind means nothing by itself.
func lockRotationFile(_ context.Context, db *database) (release func() error, err error) {
	file, err := os.OpenFile(db.place+".rotation", os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrRotating
		}
		return nil, err
	}
	return file.Close, nil
}
