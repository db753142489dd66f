package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

// brittle is a driver that panics in one of its calls, and takes all others.
type brittle struct{ in string }

func (b brittle) call(name string) {
	if name == b.in {
		panic("the driver is at its end")
	}
}

func (b brittle) Connect(context.Context) (driver.Conn, error) { return b, nil }
func (b brittle) Driver() driver.Driver                        { return nil }
func (b brittle) Close() error                                 { return nil }
func (b brittle) Rollback() error                              { return nil }
func (b brittle) Prepare(string) (driver.Stmt, error)          { return nil, errTest }

func (b brittle) Begin() (driver.Tx, error) {
	return b, nil
}

func (b brittle) Commit() error {
	return nil
}

func (b brittle) ExecContext(_ context.Context, statement string, _ []driver.NamedValue) (driver.Result, error) {
	b.call(statement)
	return driver.RowsAffected(1), nil
}

func openBrittle(t *testing.T, in string) *sql.DB {
	t.Helper()
	db := sql.OpenDB(brittle{in})
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

// Servers of HTTP recover from panics, so the process goes on with whoever waits.
func TestPanicOfTheDriverLeavesNobodyWaiting(t *testing.T) {
	for _, in := range []string{"BEGIN IMMEDIATE", "SAVEPOINT change", "RELEASE SAVEPOINT change; SAVEPOINT change", "RELEASE SAVEPOINT change", "COMMIT"} {
		t.Run(in, func(t *testing.T) {
			w := newWriter(openBrittle(t, in), sqlite())
			if err := (&database{writer: w}).Writable(); err != nil {
				t.Errorf("before: %v", err)
			}
			within(t, func() {
				refuseAll(t, w)
				if err := (&database{writer: w}).Writable(); !errors.Is(err, ErrBroken) {
					t.Errorf("monitoring is told %v", err)
				}
				w.close()
				w.close()
			})
		})
	}
}

// refuseAll has many make changes side by side, which all meet the driver's panic.
func refuseAll(t *testing.T, w *writer) {
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			err := w.do(context.Background(), func(context.Context, *transaction) error {
				time.Sleep(time.Millisecond) // for the others to come
				return nil
			})
			if !errors.Is(err, ErrBroken) {
				t.Errorf("caller %d was told %v", n, err)
			}
		})
	}
	all.Wait()
}

// A change may end the goroutine that it is made on, which is that of whoever writes.
func TestChangeThatEndsItsGoroutineLeavesNobodyWaiting(t *testing.T) {
	w := newWriter(openBrittle(t, ""), sqlite())
	within(t, func() {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				told := make(chan error, 1)
				go func() {
					err := errTest // of those whose goroutine ends
					defer func() { told <- err }()
					err = w.do(context.Background(), func(context.Context, *transaction) error {
						runtime.Goexit()
						return nil
					})
				}()
				if err := <-told; !errors.Is(err, ErrBroken) && !errors.Is(err, errTest) {
					t.Errorf("told %v", err)
				}
			})
		}
		all.Wait()
		if err := w.do(context.Background(), note(1)); !errors.Is(err, ErrBroken) {
			t.Errorf("who comes after it is told %v", err)
		}
		w.close()
	})
}

// within fails a test that would hang, long after it should have ended.
func within(t *testing.T, act func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		act()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("somebody waits still")
	}
}
