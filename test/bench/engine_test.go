//go:build linux && cgo

package bench

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
	_ "github.com/mattn/go-sqlite3"    // the database/sql driver "sqlite3"

	"keyferry/server/store"
	"keyferry/server/store/postgrestest"
)

// engine is a database product, with what the store does not offer: a way past it.
type engine struct {
	name   string
	driver string
	at     func(t testing.TB, folder string) string // the place of the folder's database
	hurry  []string                                 // statements after which that way is fast
	insert func(*sql.Conn, *sql.Tx) func(*table) error
	settle []string // statements after which reading costs what it costs in the long run
	warm   func(past *sql.DB, place string) error
}

func engines() []engine { return []engine{sqliteEngine(), postgresEngine()} }

// SQLite's log of changes goes into the database, as it does now and then in any case.
func sqliteEngine() engine {
	return engine{
		name: "sqlite", driver: "sqlite3",
		at:     func(_ testing.TB, folder string) string { return filepath.Join(folder, "server.db") },
		hurry:  []string{`PRAGMA cache_size = -4000000`}, // 4 GB at most: no page is written twice
		insert: func(_ *sql.Conn, tx *sql.Tx) func(*table) error { return func(t *table) error { return t.flush(tx) } },
		settle: []string{`PRAGMA wal_checkpoint(TRUNCATE)`, `PRAGMA cache_size = -2000`, `PRAGMA shrink_memory`},
		warm:   func(_ *sql.DB, place string) error { return readThrough(place) },
	}
}

// PostgreSQL does by itself, within a minute or so, what VACUUM ANALYZE does at once.
func postgresEngine() engine {
	return engine{
		name: "postgres", driver: "pgx", at: postgrestest.URL,
		hurry: []string{`SET session_replication_role = replica`}, // no look-up of what a row refers to
		insert: func(conn *sql.Conn, _ *sql.Tx) func(*table) error {
			return func(t *table) error { return t.copy(conn) }
		},
		settle: []string{`SET session_replication_role = DEFAULT`, `VACUUM ANALYZE`, `CREATE EXTENSION IF NOT EXISTS pg_prewarm SCHEMA public`},
		warm: func(past *sql.DB, _ string) error {
			_, err := past.Exec(`SELECT public.pg_prewarm(oid, 'read') FROM pg_class
				WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'i')`)
			return err
		},
	}
}

func readThrough(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(io.Discard, file)
	return err
}

func (e engine) open(t testing.TB, folder string) *store.Server {
	t.Helper()
	s, err := store.OpenServer(context.Background(), store.Config{Path: e.at(t, folder)})
	need(t, err)
	return s
}

// past opens the same database past the store. One connection is enough for everything
// that is done there.
func (e engine) past(t testing.TB, folder string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.driver, e.at(t, folder))
	need(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// need is must for tests too.
func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
