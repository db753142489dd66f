package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// notebook is a database with one table, to write to without ceremony.
func notebook(t *testing.T) *database {
	t.Helper()
	s := sqliteServer(t, t.TempDir())
	execute(t, s.database, `CREATE TABLE notes (n BIGINT NOT NULL PRIMARY KEY, org TEXT REFERENCES organisations (id) DEFERRABLE INITIALLY DEFERRED)`)
	return s.database
}

func note(n int) change {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO notes (n) VALUES ($1)`, n)
		return err
	}
}

// hold keeps the writer busy until the returned function is called, which then
// returns the outcome of that.
func hold(t *testing.T, db *database) (release func() error) {
	t.Helper()
	begun, end, outcome := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		outcome <- db.write(context.Background(), func(context.Context, *sql.Tx) error {
			close(begun)
			<-end
			return nil
		})
	}()
	<-begun
	return func() error {
		close(end)
		return <-outcome
	}
}

func TestWaitingChangesShareCommits(t *testing.T) {
	db := notebook(t)
	const callers = 500
	release := hold(t, db)
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() {
			if err := db.write(context.Background(), note(n)); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // for them to come
	if err := release(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if commits := db.writer.commits.Load(); commits < 2 || commits > callers/10 {
		t.Errorf("%d commits for %d changes, at most %d of them in one", commits, callers, maxBatch)
	}
	if got := count(t, db, `SELECT count(*) FROM notes`); got != callers {
		t.Errorf("%d notes", got)
	}
}

func TestAnsweredChangeIsVisibleToReaders(t *testing.T) {
	db := notebook(t)
	for n := range 50 {
		if err := db.write(context.Background(), note(n)); err != nil {
			t.Fatal(err)
		}
		if got := count(t, db, `SELECT count(*) FROM notes WHERE n = $1`, n); got != 1 {
			t.Fatalf("note %d is not there", n)
		}
	}
}

// batchOf makes changes in one transaction and returns what each caller is told.
func batchOf(t *testing.T, db *database, changes ...change) []error {
	t.Helper()
	b, err := beginBatch(db.writes)
	if err != nil {
		t.Fatal(err)
	}
	var jobs []job
	for _, c := range changes {
		j := job{ctx: context.Background(), change: c, answer: make(chan error, 1)}
		jobs = append(jobs, j)
		b.add(j)
	}
	b.end()
	var told []error
	for _, j := range jobs {
		told = append(told, <-j.answer)
	}
	return told
}

// after makes a note and then fails as the function does.
func after(n int, fail func(tx *sql.Tx) error) change {
	return func(ctx context.Context, tx *sql.Tx) error {
		if err := note(n)(ctx, tx); err != nil {
			return err
		}
		return fail(tx)
	}
}

var errTest = errors.New("refused by the test")

func TestFailedChangeIsUndoneAlone(t *testing.T) {
	db := notebook(t)
	told := batchOf(t, db, note(1), after(2, func(*sql.Tx) error { return errTest }), note(1), note(3))
	if told[0] != nil || !errors.Is(told[1], errTest) || told[2] == nil || told[3] != nil {
		t.Errorf("told %v", told)
	}
	if n, sum := count(t, db, `SELECT count(*) FROM notes`), count(t, db, `SELECT sum(n) FROM notes`); n != 2 || sum != 4 {
		t.Errorf("%d notes, sum %d", n, sum)
	}
}

func TestPanicIsOneCallersError(t *testing.T) {
	db := notebook(t)
	told := batchOf(t, db, note(1), after(2, func(*sql.Tx) error { panic("oh no") }), note(3))
	if told[0] != nil || told[2] != nil || told[1] == nil || !strings.Contains(told[1].Error(), "oh no") {
		t.Errorf("told %v", told)
	}
	if err := db.write(context.Background(), func(context.Context, *sql.Tx) error { panic("again") }); err == nil {
		t.Error("a panic is no error")
	}
	if err := db.write(context.Background(), note(4)); err != nil {
		t.Errorf("the writer is dead: %v", err)
	}
	if sum := count(t, db, `SELECT sum(n) FROM notes`); sum != 8 {
		t.Errorf("sum %d", sum)
	}
}

func TestFailedCommitIsEverybodysError(t *testing.T) {
	db := notebook(t)
	dangling := func(ctx context.Context, tx *sql.Tx) error { // found out at the commit
		_, err := tx.ExecContext(ctx, `INSERT INTO notes (n, org) VALUES (2, 'or-none')`)
		return err
	}
	refused := func(context.Context, *sql.Tx) error { return errTest }
	for i, err := range batchOf(t, db, note(1), dangling, refused, note(3)) {
		if err == nil || errors.Is(err, errTest) {
			t.Errorf("caller %d was told %v", i, err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM notes`); n != 0 {
		t.Errorf("%d notes", n)
	}
	if err := db.write(context.Background(), note(4)); err != nil {
		t.Errorf("the writer is stuck: %v", err)
	}
}

// As SQLite does by itself when the disk is full.
func TestLostTransactionIsEverybodysError(t *testing.T) {
	for name, outcome := range map[string]error{"noticed": errTest, "unnoticed": nil} {
		t.Run(name, func(t *testing.T) {
			db := notebook(t)
			lose := func(tx *sql.Tx) error {
				if _, err := tx.Exec(`ROLLBACK`); err != nil {
					t.Error(err)
				}
				return outcome
			}
			for i, err := range batchOf(t, db, note(1), after(2, lose), note(3)) {
				if err == nil || errors.Is(err, errTest) {
					t.Errorf("caller %d was told %v", i, err)
				}
			}
			if n := count(t, db, `SELECT count(*) FROM notes`); n != 0 {
				t.Errorf("%d notes", n)
			}
			if err := db.write(context.Background(), note(4)); err != nil {
				t.Errorf("the writer is stuck: %v", err)
			}
		})
	}
}

func TestCallerWhoLeavesBeforeHisTurnHasChangedNothing(t *testing.T) {
	db := notebook(t)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	told := make(chan error, 1)
	go func() { told <- db.write(ctx, note(1)) }()
	cancel()
	if err := <-told; !errors.Is(err, context.Canceled) {
		t.Errorf("told %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM notes`); n != 0 {
		t.Errorf("%d notes", n)
	}
}

func TestBegunChangeIsAwaitedWhoeverLeaves(t *testing.T) {
	db := notebook(t)
	ctx, cancel := context.WithCancel(context.Background())
	err := db.write(ctx, func(inner context.Context, tx *sql.Tx) error {
		cancel()
		return note(1)(inner, tx)
	})
	if n := count(t, db, `SELECT count(*) FROM notes`); err != nil || n != 1 {
		t.Errorf("%d notes, %v", n, err)
	}
}

func TestCloseMakesWhatWaitsAndRefusesTheRest(t *testing.T) {
	place := t.TempDir()
	s := sqliteServer(t, place)
	execute(t, s.database, `CREATE TABLE notes (n BIGINT NOT NULL PRIMARY KEY)`)
	release := hold(t, s.database)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			if err := s.write(context.Background(), note(n)); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond) // for them to come
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-s.writer.closing
	if err := s.write(context.Background(), note(99)); !errors.Is(err, ErrClosed) {
		t.Errorf("told %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := s.write(context.Background(), note(99)); !errors.Is(err, ErrClosed) {
		t.Errorf("told %v", err)
	}
	if n := count(t, sqliteServer(t, place).database, `SELECT count(*) FROM notes`); n != 50 {
		t.Errorf("%d notes", n)
	}
}

// An admin command writes to the file of a running server.
func TestTwoHandlesWriteSideBySide(t *testing.T) {
	place := t.TempDir()
	one, two := sqliteServer(t, place), sqliteServer(t, place)
	execute(t, one.database, `CREATE TABLE notes (n BIGINT NOT NULL PRIMARY KEY)`)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			db := []*database{one.database, two.database}[worker%2]
			for n := range 25 {
				if err := db.write(context.Background(), note(100*worker+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := count(t, one.database, `SELECT count(*) FROM notes`); n != 200 {
		t.Errorf("%d notes", n)
	}
}
