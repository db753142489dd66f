//go:build cgo

package hsm

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errLeft is the end of an operation whose caller has gone.
var errLeft = errors.New("the caller no longer waits")

// job is what an operation does, and what it leaves behind when its caller has gone. A
// call into a library cannot be interrupted and may never return, so memory that it
// reads or writes must belong to the job and not to the caller.
type job[R any] struct {
	op   operation
	work func(*login) (R, error) // may run twice; gives no R with an error

	discard func(R) // if not nil, takes a result that nobody waits for any more
	after   func()  // if not nil, runs once, when no call of the job is in the library
}

// running is a job at work, on a goroutine other than its caller's: a worker's task.
type running[R any] struct {
	token *Token
	job   job[R]
	probe bool
	done  chan struct{} // closed when there is a result, or when time is up

	mu     sync.Mutex
	result R
	err    error
	over   bool // the work has ended
	left   bool // nobody waits for the result
	hung   bool // time was up: its seat is somebody else's
}

// run waits for its turn, does the job, and gives up waiting when the context ends or
// the token's time limit is reached. What is then still in the library keeps its
// session and its memory until it returns.
func run[R any](ctx context.Context, t *Token, j job[R]) (R, error) {
	began := time.Now()
	result, err := admitted(ctx, t, j)
	t.cfg.Observer.Operation(t.cfg.Label, string(j.op), outcomeOf(err), time.Since(began))
	return result, err
}

func admitted[R any](ctx context.Context, t *Token, j job[R]) (none R, err error) {
	probe, err := t.admit(ctx)
	if err != nil {
		if j.after != nil {
			j.after()
		}
		return none, t.failed(j.op, err)
	}
	r := &running[R]{token: t, job: j, probe: probe, done: make(chan struct{})}
	t.workers.do(r)
	select {
	case <-r.done:
		return r.take(nil)
	case <-ctx.Done():
		return r.take(ctx.Err())
	}
}

// admit asks the breaker before the wait, so that refusals are fast, and after it, since
// the token may have died meanwhile.
func (t *Token) admit(ctx context.Context) (probe bool, err error) {
	if err := t.breaker.refuses(); err != nil {
		return false, err
	}
	if err := t.takeSeat(ctx); err != nil {
		return false, err
	}
	if probe, err = t.breaker.admit(); err != nil {
		t.leaveSeats(1)
	}
	return probe, err
}

// execute has the worker rest before the caller learns that it is over: he may be back
// with another job at once.
func (r *running[R]) execute(w *worker) {
	result, err := attempt(r.token, r.probe, r.job.work, r.abandoned)
	err = r.token.failed(r.job.op, err)
	if r.job.after != nil {
		r.job.after()
	}
	r.mu.Lock()
	r.over, r.result, r.err = true, result, err
	hung, left := r.hung, r.left
	r.mu.Unlock()
	if hung {
		r.token.breaker.returned()
		w.rest()
	} else {
		r.token.breaker.settle(r.probe, err)
		w.rest()
		r.token.leaveSeats(1)
		close(r.done)
	}
	if left && err == nil && r.job.discard != nil {
		r.job.discard(result)
	}
}

// overdue lets another operation have the seat of one that hangs. Its session stays
// with it, so the token has to have room for one more.
func (r *running[R]) overdue() {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	r.hung, r.left = true, true
	r.mu.Unlock()
	r.token.breaker.hang(r.probe)
	r.token.leaveSeats(1)
	close(r.done)
}

func (r *running[R]) abandoned() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

// take gives the result, or leaves it behind because of gone.
func (r *running[R]) take(gone error) (none R, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over && !r.left:
		return r.result, r.err
	case r.hung:
		return none, r.token.failed(r.job.op, ErrHung)
	}
	r.left = true
	return none, r.token.failed(r.job.op, gone)
}

// mostMends is how often one operation may have the login replaced: once for what it
// met itself, and once because others, who replace it at the same time, may close the
// sessions that this operation is using.
const mostMends = 2

// attempt does the work, again on a new login if that can help, and if there is one by
// then anyway: whoever replaces a login ends the old one under those who use it. A probe
// logs in anew before it does anything.
func attempt[R any](t *Token, probe bool, work func(*login) (R, error), abandoned func() bool) (result R, err error) {
	if probe {
		if err := t.mend(t.current()); err != nil {
			return result, err
		}
	}
	for mends := 0; ; mends++ {
		if abandoned() {
			return result, errLeft
		}
		result, l, err := once(t, work)
		if err == nil || mends == mostMends || !mendable(err) && t.current() == l {
			return result, err
		}
		if err := t.mend(l); err != nil {
			return result, err
		}
	}
}

// once does the work on the login of now, which is looked up inside the gate: from one
// initialisation of the library to the next, handles mean something else.
func once[R any](t *Token, work func(*login) (R, error)) (result R, l *login, err error) {
	t.module.gate.enter()
	defer t.module.gate.leave()
	if l = t.current(); l == nil {
		return result, nil, errNoLogin
	}
	result, err = work(l)
	return result, l, err
}
