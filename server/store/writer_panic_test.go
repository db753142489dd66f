package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
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

// Servers of HTTP recover from panics, so the process goes on with whoever waits.
func TestPanicOfTheDriverLeavesNobodyWaiting(t *testing.T) {
	for _, in := range []string{"BEGIN IMMEDIATE", "SAVEPOINT change", "RELEASE SAVEPOINT change; SAVEPOINT change", "RELEASE SAVEPOINT change", "COMMIT"} {
		t.Run(in, func(t *testing.T) {
			db := sql.OpenDB(brittle{in})
			defer db.Close()
			db.SetMaxOpenConns(1)
			w := newWriter(db, sqlite())
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
