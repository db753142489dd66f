//go:build linux && cgo

package bench

import (
	"context"
	"database/sql"
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
	settle []string                                 // statements after which reading costs what it costs in the long run
}

func engines() []engine { return []engine{sqliteEngine(), postgresEngine()} }

// SQLite's log of changes goes into the database, as it does now and then in any case.
func sqliteEngine() engine {
	return engine{
		name: "sqlite", driver: "sqlite3", settle: []string{`PRAGMA wal_checkpoint(TRUNCATE)`},
		at: func(_ testing.TB, folder string) string { return filepath.Join(folder, "server.db") },
	}
}

// PostgreSQL does by itself, within a minute or so, what VACUUM ANALYZE does at once.
func postgresEngine() engine {
	return engine{name: "postgres", driver: "pgx", settle: []string{`VACUUM ANALYZE`}, at: postgrestest.URL}
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
