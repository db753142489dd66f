package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// start is when these tests begin, by their clock.
var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// engine is a database product. Contract tests run on each.
type engine struct {
	name   string
	server func(t *testing.T, place string) *Server // a place is a folder of the test's
	signer func(t *testing.T, place string) *Signer
}

func engines() []engine {
	return []engine{{name: "sqlite", server: sqliteServer, signer: sqliteSigner}}
}

func onEveryEngine(t *testing.T, test func(t *testing.T, e engine)) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

func sqliteServer(t *testing.T, place string) *Server {
	t.Helper()
	s, err := OpenServer(context.Background(), Config{Path: filepath.Join(place, "server.db"), Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDatabase(t, s.database) })
	return s
}

func sqliteSigner(t *testing.T, place string) *Signer {
	t.Helper()
	s, err := OpenSigner(context.Background(), Config{Path: filepath.Join(place, "signer.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDatabase(t, s.database) })
	return s
}

func closeDatabase(t *testing.T, db *database) {
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
