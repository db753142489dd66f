package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed refuses changes after Close.
var ErrClosed = errors.New("the database is closed")

// maxBatch bounds how many changes share a commit, and with it how long the first of
// them waits.
const maxBatch = 256

// change is a caller's part of a transaction. It uses tx and nothing else of the
// database, and no tx of another change. It may be called again, in a new transaction,
// after the one that it was part of was undone. Its context is the transaction's and
// not a caller's: what was begun is not interrupted because somebody leaves.
type change func(ctx context.Context, tx *transaction) error

// writer makes changes, one after another, in one goroutine. A commit takes as long
// as the disk needs, whatever is in it, so the writer commits together all changes
// that wait for it (group commit). Nobody is answered before the commit that has his
// change is on disk.
//
// The channel is not buffered: a caller waits until the writer takes his change, and
// can leave until then. A change that was taken is begun, and its outcome awaited.
type writer struct {
	db      *sql.DB
	dialect dialect
	jobs    chan job
	closing chan struct{} // closed: no new callers
	once    sync.Once
	stopped chan struct{} // closed: the goroutine has ended
	commits atomic.Int64  // made so far
}

// job is a change under way to the writer. Its answer has room for the one value
// that is sent.
type job struct {
	change change
	answer chan error
}

func startWriter(db *sql.DB, d dialect) *writer {
	w := &writer{db: db, dialect: d, jobs: make(chan job), closing: make(chan struct{}), stopped: make(chan struct{})}
	go w.run()
	return w
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
	case w.jobs <- j:
		return <-j.answer
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
		return ErrClosed
	}
}

// close ends the writer once it has made the changes that wait. It can be repeated.
func (w *writer) close() {
	w.once.Do(func() { close(w.closing) })
	<-w.stopped
}

func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case j := <-w.jobs:
			w.commit(j)
		case <-w.closing:
			for j, waits := w.next(); waits; j, waits = w.next() {
				w.commit(j)
			}
			return
		}
	}
}

// A transaction that was undone for another's sake is repeated a few times, after a
// pause that grows.
const (
	maxAttempts = 5
	firstPause  = 10 * time.Millisecond
)

// commit makes a change, and those that wait by then, in one transaction.
func (w *writer) commit(first job) {
	b := beginBatch(w.db, w.dialect)
	b.add(first)
	for b.takesMore() {
		j, waits := w.next()
		if !waits {
			break
		}
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
}

// next returns a change that waits already, if there is one.
func (w *writer) next() (j job, waits bool) {
	select {
	case j := <-w.jobs:
		return j, true
	default:
		return job{}, false
	}
}
