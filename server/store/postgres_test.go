package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/store/postgrestest"
)

// openAt opens a server's database, with Fatal for an error.
func openAt(t *testing.T, place string) *Server {
	t.Helper()
	s, err := OpenServer(context.Background(), Config{Path: place})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDatabase(t, s.database) })
	return s
}

func appendOne(s *Server) error { return s.Append(context.Background(), entry(audit.RequestRefused)) }

// cut ends a connection to PostgreSQL from outside.
func cut(t *testing.T, s *Server, pid int) {
	t.Helper()
	var done bool
	if err := s.readers.DB.QueryRow(`SELECT pg_terminate_backend($1)`, pid).Scan(&done); err != nil || !done {
		t.Errorf("cutting connection %d: %v", pid, err)
	}
}

func TestCutConnectionUndoesTheChangeAndHeals(t *testing.T) {
	t.Parallel()
	s := postgresEngine().server(t, t.TempDir())
	err := s.record(context.Background(), entry(audit.RequestRefused), func(ctx context.Context, tx *transaction) error {
		var pid int
		if err := tx.QueryRowContext(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
			return err
		}
		cut(t, s, pid)
		return nil
	})
	if !errors.Is(err, ErrUnavailable) || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("told %v", err)
	}
	if err := appendOne(s); err != nil {
		t.Errorf("it does not heal: %v", err)
	}
	if got := len(verifiedLog(t, s)); got != 1 {
		t.Errorf("%d entries", got)
	}
}

func TestIdleConnectionThatWasCutIsNotNoticed(t *testing.T) {
	t.Parallel()
	s := postgresEngine().server(t, t.TempDir())
	var pid int
	if err := s.writes.QueryRow(`SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	cut(t, s, pid)
	time.Sleep(1100 * time.Millisecond) // idle for a second: it is tried before it is used
	if err := appendOne(s); err != nil {
		t.Error(err)
	}
}

// Acknowledged entries are there after a crash, whatever was under way.
func TestCrashLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	cluster, err := postgrestest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := openAt(t, cluster.URL("crash"))
	const rounds = 2
	acknowledged := 0
	for range rounds {
		acknowledged += appendUntilTrouble(t, s, func() {
			time.Sleep(100 * time.Millisecond)
			if err := cluster.Crash(); err != nil {
				t.Error(err)
			}
		})
		for name, err := range map[string]error{"a change": appendOne(s), "a query": queryOne(s)} {
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s while it is down: %v", name, err)
			}
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
		if err := appendOne(s); err != nil {
			t.Errorf("it does not heal: %v", err)
		}
		acknowledged++
	}
	// What was being committed when the database crashed may be there too.
	if got := verifiedArchive(t, s).Size; got < int64(acknowledged) || got > int64(acknowledged+rounds*maxBatch) {
		t.Errorf("%d entries of %d acknowledged ones", got, acknowledged)
	}
}

func queryOne(s *Server) error {
	_, err := s.Organisations(context.Background())
	return err
}

// appendUntilTrouble appends from several sides until that fails, and returns how many
// were acknowledged.
func appendUntilTrouble(t *testing.T, s *Server, makeTrouble func()) int {
	t.Helper()
	var all sync.WaitGroup
	counts := make([]int, 8)
	for i := range counts {
		all.Go(func() {
			for {
				if err := appendOne(s); err != nil {
					if !errors.Is(err, ErrUnavailable) {
						t.Errorf("told %v", err)
					}
					return
				}
				counts[i]++
			}
		})
	}
	makeTrouble()
	all.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}

// A change that meets a conflict is made again, in another transaction, with all that
// share its commit.
func TestConflictIsRepeated(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"40001", "40P01"} {
		db := notebook(t, postgresEngine())
		attempts := 0
		conflicting := after(2, func(tx *transaction) error {
			if attempts++; attempts < maxAttempts {
				return raise(tx, state)
			}
			return nil
		})
		if err := db.write(context.Background(), conflicting); err != nil || attempts != maxAttempts {
			t.Errorf("%s: %v after %d attempts", state, err, attempts)
		}
		if n := count(t, db, `SELECT count(*) FROM notes`); n != 1 {
			t.Errorf("%d notes", n)
		}
	}
}

// What disks and whoever looks after them can mend is trouble that passes.
func TestChangesSeeWhatWasCommittedBeforeWhateverTheDefaultIs(t *testing.T) {
	t.Parallel()
	s := openAt(t, postgresEngine().at(t, t.TempDir(), "server")+"&default_transaction_isolation=serializable")
	var byDefault, inChange string
	if err := s.readers.DB.QueryRow(`SHOW transaction_isolation`).Scan(&byDefault); err != nil {
		t.Fatal(err)
	}
	err := s.record(context.Background(), entry(audit.RequestRefused), func(ctx context.Context, tx *transaction) error {
		return tx.QueryRowContext(ctx, `SHOW transaction_isolation`).Scan(&inChange)
	})
	if err != nil || byDefault != "serializable" || inChange != "read committed" {
		t.Errorf("%q by default, %q in a change, %v", byDefault, inChange, err)
	}
}

func TestTroubleOfItsDiskIsUnavailable(t *testing.T) {
	t.Parallel()
	db := notebook(t, postgresEngine())
	for state, passes := range map[string]bool{
		"53100": true, "58030": true, "42501": true, "25006": true, // full, error, not permitted, read-only
		"XX001": false, "23505": false, // damaged; a row that is there
	} {
		err := db.write(context.Background(), after(2, func(tx *transaction) error { return raise(tx, state) }))
		if err == nil || errors.Is(err, ErrUnavailable) != passes {
			t.Errorf("%s: told %v", state, err)
		}
	}
}

func TestConflictsThatDoNotEndAreTrouble(t *testing.T) {
	db := notebook(t, postgresEngine())
	attempts := 0
	err := db.write(context.Background(), after(2, func(tx *transaction) error {
		attempts++
		return raise(tx, "40P01")
	}))
	if !errors.Is(err, ErrUnavailable) || attempts != maxAttempts {
		t.Errorf("told %v after %d attempts", err, attempts)
	}
	if n := count(t, db, `SELECT count(*) FROM notes`); n != 0 {
		t.Errorf("%d notes", n)
	}
}

// raise has PostgreSQL refuse a statement with an error of this state.
func raise(tx *transaction, state string) error {
	_, err := tx.ExecContext(context.Background(), `DO $$ BEGIN RAISE EXCEPTION 'for a test' USING ERRCODE = '`+state+`'; END $$`)
	return err
}

// A process that vanished in the middle of a transaction holds the others up no longer
// than the server lets it.
func TestVanishedWriterIsWaitedForAndThenLeft(t *testing.T) {
	t.Parallel()
	place := postgresEngine().at(t, t.TempDir(), "server")
	vanished := openAt(t, place+"&idle_in_transaction_session_timeout=1500ms")
	tx, err := beginPostgres(context.Background(), vanished.writes)
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, place+"&lock_timeout=100ms")
	if err := appendOne(s); !errors.Is(err, ErrUnavailable) {
		t.Errorf("told %v", err)
	}
	time.Sleep(1700 * time.Millisecond)
	if err := appendOne(s); err != nil {
		t.Errorf("it is still waited for: %v", err)
	}
	if err := tx.Commit(); err == nil {
		t.Error("who had vanished has committed")
	}
}

// Two processes, 64 clients.
func TestProcessesKeepOneLogTogether(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		folder := t.TempDir()
		processes := []*Server{e.server(t, folder), e.server(t, folder)}
		var all sync.WaitGroup
		for client := range 64 {
			all.Go(func() {
				for range 5 {
					if err := appendOne(processes[client%2]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got := verifiedArchive(t, processes[0]).Size; got != 320 {
			t.Errorf("%d entries", got)
		}
	})
}

func TestSchemasKeepServersAndSignersApart(t *testing.T) {
	folder := t.TempDir()
	first, second := postgresEngine().server(t, folder), postgresEngine().server(t, t.TempDir())
	postgresEngine().signer(t, folder)
	if err := appendOne(first); err != nil {
		t.Fatal(err)
	}
	if got := len(verifiedLog(t, second)); got != 0 {
		t.Errorf("the other has %d entries", got)
	}
}

func TestPostgresThatMayLoseCommitsIsRefused(t *testing.T) {
	for _, setting := range []string{"synchronous_commit=off", "synchronous_commit=local"} {
		place := postgresEngine().at(t, t.TempDir(), "server") + "&" + setting
		if _, err := OpenServer(context.Background(), Config{Path: place}); err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
			t.Errorf("%s: got %v", setting, err)
		}
	}
}

func TestPostgresURLsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	const password = "hunter2"
	for name, c := range map[string]struct{ place, told string }{
		"plain to another machine":     {"postgres://u:hunter2@db.example.com/d?sslmode=disable", "verify-full"},
		"perhaps plain":                {"postgres://u:hunter2@db.example.com/d", "verify-full"},
		"encrypted to anybody":         {"postgres://u:hunter2@db.example.com/d?sslmode=require", "verify-full"},
		"one of two hosts is far away": {"postgres://u:hunter2@127.0.0.1,db.example.com/d?sslmode=disable", "verify-full"},
		"two schemas":                  {"postgres://u:hunter2@127.0.0.1/d?search_path=a,b", "search_path"},
		"a schema that is SQL":         {"postgres://u:hunter2@127.0.0.1/d?search_path=a%22%3B", "search_path"},
		"no URL":                       {"postgres://u:hunter2@127.0.0.1:port/d", "URL"},
	} {
		_, err := OpenServer(context.Background(), Config{Path: c.place})
		if err == nil || !strings.Contains(err.Error(), c.told) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPostgresThatIsNotThereIsUnavailable(t *testing.T) {
	_, err := OpenServer(context.Background(), Config{Path: "postgres://u:hunter2@127.0.0.1:1/d"})
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
