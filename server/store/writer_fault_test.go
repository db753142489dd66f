package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// faulty opens connections to an SQLite file. Of the statements that frame changes one in a
// hundred fails, before SQLite sees it or when it was done already, which would leave open
// what became of a COMMIT.
type faulty struct {
	place string
	armed *atomic.Bool
}

func (f faulty) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (f faulty) Connect(context.Context) (driver.Conn, error) {
	conn, err := f.Driver().Open(f.place)
	if err != nil {
		return nil, err
	}
	return faultyConn{conn.(*sqlite3.SQLiteConn), f.armed}, nil
}

type faultyConn struct {
	*sqlite3.SQLiteConn
	armed *atomic.Bool
}

var errFaulty = errors.New("the disk fails, for a test")

func (c faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	frames := len(args) == 0 && c.armed.Load()
	if frames && rand.N(200) == 0 {
		return nil, errFaulty
	}
	result, err := c.SQLiteConn.ExecContext(ctx, query, args)
	if frames && query != "COMMIT" && err == nil && rand.N(200) == 0 {
		return nil, errFaulty
	}
	return result, err
}

// faultyNotebook is a writer to notes, which fails once armed, and a reader of them.
func faultyNotebook(t *testing.T) (w *writer, arm *atomic.Bool, noted func() map[int]bool) {
	t.Helper()
	place := sqliteURL(filepath.Join(t.TempDir(), "notes.db"), "_txlock", "immediate")
	arm = &atomic.Bool{}
	writes := sql.OpenDB(faulty{place, arm})
	writes.SetMaxOpenConns(1)
	t.Cleanup(func() { writes.Close() })
	for _, statement := range []string{
		`CREATE TABLE notes (n BIGINT NOT NULL PRIMARY KEY)`,
		`CREATE TRIGGER failing BEFORE INSERT ON notes WHEN NEW.n < 0 BEGIN SELECT RAISE(ROLLBACK, 'for a test'); END`,
	} {
		if _, err := writes.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return newWriter(writes, sqlite()), arm, func() map[int]bool {
		rows, err := writes.Query(`SELECT n FROM notes`)
		all, err := scanAll(rows, err, func(r row) (n int, err error) { return n, r.Scan(&n) })
		if err != nil {
			t.Fatal(err)
		}
		noted := map[int]bool{}
		for _, n := range all {
			noted[n] = true
		}
		return noted
	}
}

// troubled makes a note and then, often, trouble.
func troubled(n int, cancel context.CancelFunc) change {
	return after(n, func(tx *transaction) error {
		switch rand.N(300) {
		case 0:
			return errTest
		case 1:
			panic("oh no")
		case 2: // the transaction is lost
			_, err := tx.ExecContext(context.Background(), `INSERT INTO notes (n) VALUES ($1)`, -1)
			return err
		case 3: // and nobody notices
			tx.ExecContext(context.Background(), `INSERT INTO notes (n) VALUES ($1)`, -1)
		case 4:
			cancel()
		case 5: // an answer is left open
			rows, err := tx.QueryContext(context.Background(), `SELECT 1 UNION ALL SELECT 2`)
			if err != nil || !rows.Next() {
				return fmt.Errorf("no answer: %w", err)
			}
			panic("in the middle of it")
		}
		return nil
	})
}

// Whatever fails, and whoever leaves: what was acknowledged is there, what was refused is
// not, nobody waits for ever, and the writer goes on.
func TestChangesAreWhatTheirCallersWereTold(t *testing.T) {
	t.Parallel()
	w, armed, noted := faultyNotebook(t)
	const callers, each = 40, 50
	var mu sync.Mutex
	made := map[int]bool{}
	armed.Store(true)
	within(t, func() {
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() {
				for i := range each {
					n := caller*each + i
					ctx, cancel := context.WithTimeout(context.Background(), rand.N(50*time.Millisecond))
					if err := w.do(ctx, troubled(n, cancel)); err == nil {
						mu.Lock()
						made[n] = true
						mu.Unlock()
					}
					cancel()
				}
			})
		}
		all.Wait()
		armed.Store(false)
		if err := w.do(context.Background(), note(callers*each)); err != nil {
			t.Errorf("the writer does not go on: %v", err)
		}
	})
	made[callers*each] = true
	if len(made) < callers*each/4 {
		t.Errorf("only %d changes were made", len(made))
	}
	there := noted()
	for n := range callers*each + 1 {
		if made[n] != there[n] {
			t.Errorf("change %d: its caller was told %v, it is there: %v", n, made[n], there[n])
		}
	}
}
