package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed refuses changes after Close.
var ErrClosed = errors.New("the database is closed")

// ErrBroken refuses changes after a panic in the middle of a transaction, which was not a
// change's own, or after the end of the goroutine that was in it. What the driver holds
// since then nobody knows, so nothing is tried.
var ErrBroken = errors.New("writing to the database ended in a panic: start the process again")

// maxBatch bounds how many changes share a commit, and with it how long the first of
// them waits.
const maxBatch = 256

// change is a caller's part of a transaction. It uses tx and nothing else of the
// database, and no tx of another change. It may be called again, in a new transaction,
// after the one that it was part of was undone. Its context is the transaction's and
// not a caller's: what was begun is not interrupted because somebody leaves.
type change func(ctx context.Context, tx *transaction) error

// writer makes changes, one transaction after another. A commit takes as long as the
// disk needs, whatever is in it, so changes that wait are committed together (group
// commit). Nobody is answered before the commit that has his change is on disk.
//
// There is no goroutine of the writer's own: who comes while nobody writes makes his
// change himself, with those that come meanwhile (next), and one of those who then still wait
// makes the next transaction. A change that has the database for itself is so made
// without waking anybody.
//
// The channel of jobs is not buffered: a caller waits until somebody takes his change, or
// it is his turn, and can leave until then. A change that was taken is begun, and its
// outcome awaited.
type writer struct {
	db      *sql.DB
	dialect dialect
	turn    chan struct{} // holds one: of whoever writes
	jobs    chan job
	closing chan struct{} // closed: no new callers
	once    sync.Once
	ending  sync.Once
	stopped chan struct{} // closed: nobody writes any more
	ended   error         // why; to be read when it is closed
	commits atomic.Int64  // made so far
}

// job is a change under way to whoever writes. Its answer has room for the one value
// that is sent.
type job struct {
	change change
	answer chan error
}

func newWriter(db *sql.DB, d dialect) *writer {
	return &writer{
		db: db, dialect: d, turn: make(chan struct{}, 1), jobs: make(chan job),
		closing: make(chan struct{}), stopped: make(chan struct{}),
	}
}

// do has a change made and returns once it is durable, or its error, or the error of
// the commit that it was part of. After an error of the change itself, nothing of it
// is left.
func (w *writer) do(ctx context.Context, change change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-w.closing:
		return ErrClosed
	default:
	}
	j := job{change: change, answer: make(chan error, 1)}
	select {
	case w.turn <- struct{}{}:
		if w.commit(j) {
			<-w.turn // else it is nobody's any more
		}
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
		return w.ended
	}
	return <-j.answer
}

// close ends the writer once the changes that wait are made. It can be repeated.
func (w *writer) close() {
	w.once.Do(func() {
		close(w.closing)
		select {
		case w.turn <- struct{}{}: // and never given back
		case <-w.stopped: // broken
			return
		}
		whole := true
		for j, waits := w.next(); waits && whole; j, waits = w.next() {
			whole = w.commit(j)
		}
		w.stop(ErrClosed)
	})
	<-w.stopped
}

// stop has everybody who waits or comes refused, for the first reason that is given.
func (w *writer) stop(reason error) {
	w.ending.Do(func() {
		w.ended = reason
		close(w.stopped)
	})
}

// A transaction that was undone for another's sake is repeated a few times, after a
// pause that grows.
const (
	maxAttempts = 5
	firstPause  = 10 * time.Millisecond
)

// commit makes a change, and those that wait by then, in one transaction. It is the
// caller's turn. After a panic the writer is broken, and whole is false: a caller who
// recovers, as servers of HTTP do, must not leave everybody else waiting. Nor must one
// whose goroutine a change ends (runtime.Goexit).
func (w *writer) commit(first job) (whole bool) {
	taken := []job{first}
	defer func() {
		if p := recover(); !whole {
			w.fail(taken, p)
		}
	}()
	b := beginBatch(w.db, w.dialect)
	b.add(first)
	for b.takesMore() {
		j, waits := w.next()
		if !waits {
			break
		}
		taken = append(taken, j)
		b.add(j)
	}
	err := b.end()
	for attempt, pause := 1, firstPause; attempt < maxAttempts && w.dialect.conflict(err); attempt++ {
		time.Sleep(pause/2 + rand.N(pause))
		pause *= 2
		b = b.again()
		err = b.end()
	}
	b.answer(err)
	if err == nil && b.kept > 0 {
		w.commits.Add(1)
	}
	return true
}

// fail tells those whose changes were taken and everybody else. Where a goroutine came to
// its end, the panic is nil.
func (w *writer) fail(taken []job, panicked any) {
	w.stop(ErrBroken)
	err := fmt.Errorf("%w: %v\n%s", ErrBroken, panicked, debug.Stack())
	for _, j := range taken {
		j.answer <- err
	}
}

// next returns a change that waits already, or that is about to come: whoever can run is
// let run first. Where nobody can, that takes no time; where many can, it is what makes
// commits few.
func (w *writer) next() (j job, waits bool) {
	if j, waits = w.waiting(); !waits {
		runtime.Gosched()
		j, waits = w.waiting()
	}
	return j, waits
}

func (w *writer) waiting() (j job, waits bool) {
	select {
	case j := <-w.jobs:
		return j, true
	default:
		return job{}, false
	}
}
