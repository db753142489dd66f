package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// notebook is a database with one table, to write to without ceremony.
func notebook(t *testing.T, e engine) *database {
	t.Helper()
	s := e.server(t, t.TempDir())
	execute(t, s.database, `CREATE TABLE notes (n BIGINT NOT NULL PRIMARY KEY, org TEXT REFERENCES organisations (id) DEFERRABLE INITIALLY DEFERRED)`)
	return s.database
}

func note(n int) change {
	return func(ctx context.Context, tx *transaction) error {
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
		outcome <- db.write(context.Background(), func(context.Context, *transaction) error {
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
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
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
	})
}

func TestAnsweredChangeIsVisibleToReaders(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
		for n := range 50 {
			if err := db.write(context.Background(), note(n)); err != nil {
				t.Fatal(err)
			}
			if got := count(t, db, `SELECT count(*) FROM notes WHERE n = $1`, n); got != 1 {
				t.Fatalf("note %d is not there", n)
			}
		}
	})
}

// batchOf makes changes in one transaction and returns what each caller is told.
func batchOf(t *testing.T, db *database, changes ...change) []error {
	t.Helper()
	b := beginBatch(db.writes, db.dialect)
	var jobs []job
	for _, c := range changes {
		j := job{change: c, answer: make(chan error, 1)}
		jobs = append(jobs, j)
		b.add(j)
	}
	b.answer(b.end())
	var told []error
	for _, j := range jobs {
		told = append(told, <-j.answer)
	}
	return told
}

// after makes a note and then fails as the function does.
func after(n int, fail func(tx *transaction) error) change {
	return func(ctx context.Context, tx *transaction) error {
		if err := note(n)(ctx, tx); err != nil {
			return err
		}
		return fail(tx)
	}
}

var errTest = errors.New("refused by the test")

func TestFailedChangeIsUndoneAlone(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
		told := batchOf(t, db, note(1), after(2, func(*transaction) error { return errTest }), note(1), note(3))
		if told[0] != nil || !errors.Is(told[1], errTest) || told[2] == nil || told[3] != nil {
			t.Errorf("told %v", told)
		}
		if n, sum := count(t, db, `SELECT count(*) FROM notes`), count(t, db, `SELECT sum(n) FROM notes`); n != 2 || sum != 4 {
			t.Errorf("%d notes, sum %d", n, sum)
		}
	})
}

func TestPanicIsOneCallersError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
		told := batchOf(t, db, note(1), after(2, func(*transaction) error { panic("oh no") }), note(3))
		if told[0] != nil || told[2] != nil || told[1] == nil || !strings.Contains(told[1].Error(), "oh no") {
			t.Errorf("told %v", told)
		}
		if err := db.write(context.Background(), func(context.Context, *transaction) error { panic("again") }); err == nil {
			t.Error("a panic is no error")
		}
		if err := db.write(context.Background(), note(4)); err != nil {
			t.Errorf("the writer is dead: %v", err)
		}
		if sum := count(t, db, `SELECT sum(n) FROM notes`); sum != 8 {
			t.Errorf("sum %d", sum)
		}
	})
}

// nothingWasWritten checks that each caller was told of the transaction's trouble and not of
// anybody's own, that nothing is left of it, and that the writer goes on.
func nothingWasWritten(t *testing.T, db *database, told []error) {
	t.Helper()
	for i, err := range told {
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

func TestFailedCommitIsEverybodysError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
		dangling := func(ctx context.Context, tx *transaction) error { // found out at the commit
			_, err := tx.ExecContext(ctx, `INSERT INTO notes (n, org) VALUES (2, 'or-none')`)
			return err
		}
		refused := func(context.Context, *transaction) error { return errTest }
		nothingWasWritten(t, db, batchOf(t, db, note(1), dangling, refused, note(3)))
	})
}

// As SQLite does by itself when the disk is full.
func TestLostTransactionIsEverybodysError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		for name, outcome := range map[string]error{"noticed": errTest, "unnoticed": nil} {
			t.Run(name, func(t *testing.T) {
				db := notebook(t, e)
				lose := func(tx *transaction) error {
					if _, err := tx.ExecContext(context.Background(), `ROLLBACK`); err != nil {
						t.Error(err)
					}
					return outcome
				}
				told := batchOf(t, db, note(1), after(2, lose), note(3))
				told = append(told, batchOf(t, db, note(1), after(2, lose))...) // nobody comes after it
				nothingWasWritten(t, db, told)
			})
		}
	})
}

func TestCallerWhoLeavesBeforeHisTurnHasChangedNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
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
	})
}

func TestBegunChangeIsAwaitedWhoeverLeaves(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
		ctx, cancel := context.WithCancel(context.Background())
		err := db.write(ctx, func(inner context.Context, tx *transaction) error {
			cancel()
			return note(1)(inner, tx)
		})
		if n := count(t, db, `SELECT count(*) FROM notes`); err != nil || n != 1 {
			t.Errorf("%d notes, %v", n, err)
		}
	})
}

func TestCloseMakesWhatWaitsAndRefusesTheRest(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		s := e.server(t, place)
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
		if n := count(t, e.server(t, place).database, `SELECT count(*) FROM notes`); n != 50 {
			t.Errorf("%d notes", n)
		}
	})
}

// An admin command writes to the file of a running server.
func TestTwoHandlesWriteSideBySide(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		one, two := e.server(t, place), e.server(t, place)
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
	})
}

// A panic comes at any point, also in the middle of an answer.
func TestPanicInTheMiddleOfAnAnswerIsOneCallersError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		db := notebook(t, e)
		within(t, func() {
			reading := func(tx *transaction) error {
				rows, err := tx.QueryContext(context.Background(), `SELECT 1 UNION ALL SELECT 2`)
				if err != nil || !rows.Next() {
					t.Errorf("no answer: %v", err)
				}
				panic("oh no")
			}
			if told := batchOf(t, db, note(1), after(2, reading), note(3)); told[1] == nil {
				t.Errorf("told %v", told)
			}
			if err := db.write(context.Background(), note(4)); err != nil {
				t.Errorf("the writer is dead: %v", err)
			}
		})
	})
}
