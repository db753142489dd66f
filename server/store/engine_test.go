package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"keyferry/server/store/postgrestest"
	"keyferry/shares"
	"keyferry/shares/locked"
)

// start is when these tests begin, by their clock.
var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// engine is a database product. Contract tests run on each.
type engine struct {
	name string
	// at returns the place of a database of this name, of the test with this folder.
	at func(t testing.TB, folder, name string) string
}

func sqliteEngine() engine {
	return engine{"sqlite", func(_ testing.TB, folder, name string) string { return filepath.Join(folder, name+".db") }}
}

func postgresEngine() engine {
	return engine{"postgres", func(t testing.TB, folder, name string) string {
		return postgrestest.URL(t, filepath.Join(folder, name))
	}}
}

func engines() []engine { return []engine{sqliteEngine(), postgresEngine()} }

func onEveryEngine(t *testing.T, test func(t *testing.T, e engine)) {
	t.Parallel() // they wait for disks more than they compute
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

func (e engine) server(t testing.TB, folder string) *Server {
	t.Helper()
	s, err := OpenServer(context.Background(), Config{Path: e.at(t, folder, "server"), Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDatabase(t, s.database) })
	return s
}

func (e engine) signer(t testing.TB, folder string) *Signer {
	t.Helper()
	s, err := OpenSigner(context.Background(), Config{Path: e.at(t, folder, "signer")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDatabase(t, s.database) })
	return s
}

func sqliteServer(t testing.TB, folder string) *Server { return sqliteEngine().server(t, folder) }

func closeDatabase(t testing.TB, db *database) {
	if err := db.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// execute runs a statement past the store, as somebody with access to the file.
func execute(t *testing.T, db *database, statement string, args ...any) {
	t.Helper()
	if _, err := db.writes.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// executeIfTyped is execute for an edit that puts a wrong type into a column. It returns
// false if the database refuses that by itself.
func executeIfTyped(t *testing.T, db *database, statement string, args ...any) bool {
	t.Helper()
	_, err := db.writes.Exec(statement, args...)
	if err != nil && sqlState(err) != "22P02" { // invalid text representation
		t.Fatalf("%s: %v", statement, err)
	}
	return err == nil
}

func count(t *testing.T, db *database, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.readers.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// point returns n·G.
func point(t *testing.T, curve shares.Curve, n byte) shares.Point {
	t.Helper()
	scalar, err := locked.New(32)
	if err != nil {
		t.Fatal(err)
	}
	defer scalar.Destroy()
	scalar.Bytes()[31] = n
	p, err := curve.MulBase(scalar)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
