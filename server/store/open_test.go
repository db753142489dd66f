package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"keyferry/server/audit"
)

func TestDatabaseIsItsOwnersOnly(t *testing.T) {
	place := t.TempDir()
	s := sqliteServer(t, place)
	if err := s.Append(context.Background(), entry(audit.RequestRefused)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server.db", "server.db-wal", "server.db-shm"} {
		info, err := os.Stat(filepath.Join(place, name))
		if err != nil || info.Mode().Perm() != fileMode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestOpenRefusesWhatOthersCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenServer(context.Background(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "0644") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", folder, garbage, filepath.Join(folder, "missing", "server.db")} {
		if _, err := OpenServer(context.Background(), Config{Path: path}); err == nil {
			t.Errorf("opened %q", path)
		}
	}
}

func TestOpenTakesAnyFileName(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a b.db", "a?_synchronous=OFF.db", "a#b.db", "a%41.db", ":memory:", "ü.db"} {
		s, err := OpenServer(context.Background(), Config{Path: filepath.Join(folder, name)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
		closeDatabase(t, s.database)
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(left) != 6 {
		t.Errorf("there are %v, %v", left, err)
	}
}

func TestOpenRefusesANewerDatabase(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		s := e.server(t, place)
		execute(t, s.database, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)`)
		closeDatabase(t, s.database)
		_, err := OpenServer(context.Background(), Config{Path: e.at(t, place, "server")})
		if !errors.Is(err, ErrNewer) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenRefusesADatabaseOfAnotherKind(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		e.server(t, place)
		e.signer(t, place)
		if _, err := OpenSigner(context.Background(), Config{Path: e.at(t, place, "server")}); !errors.Is(err, ErrKind) {
			t.Errorf("a server's as a signer's: %v", err)
		}
		if _, err := OpenServer(context.Background(), Config{Path: e.at(t, place, "signer")}); !errors.Is(err, ErrKind) {
			t.Errorf("a signer's as a server's: %v", err)
		}
		if _, err := e.server(t, place).Organisations(context.Background()); err != nil {
			t.Errorf("and it is no more what it was: %v", err)
		}
	})
}

func TestManyMayMakeTheSameDatabaseAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				s, err := OpenServer(context.Background(), Config{Path: e.at(t, place, "server")})
				if err != nil {
					t.Error(err)
					return
				}
				defer closeDatabase(t, s.database)
				if err := s.Append(context.Background(), entry(audit.RequestRefused)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := len(verifiedLog(t, e.server(t, place))); got != 8 {
			t.Errorf("%d entries", got)
		}
	})
}

func TestOpenHonoursItsContext(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := OpenServer(ctx, Config{Path: e.at(t, t.TempDir(), "server")})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestReadersCannotWrite(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		if _, err := s.readers.Exec(`DELETE FROM audit_log`); err == nil {
			t.Error("a reader deleted")
		}
	})
}
