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

// call is an operation from its beginning to its end, or to the end of its time.
type call struct {
	token *Token
	op    operation
	began time.Time
	probe bool
	of    *errand // which ends with it, if time is up
	here  bool    // its caller is in the library himself, and tells nobody before it returns

	mu       sync.Mutex
	over     bool // the work has ended
	hung     bool // time was up: its seat is somebody else's
	reported bool
}

// run waits for its turn, does the job, and gives up waiting when the context ends or
// the token's time limit is reached. What is then still in the library keeps its
// session and its memory until it returns.
func run[R any](ctx context.Context, t *Token, j job[R]) (R, error) {
	c := &call{token: t, op: j.op, began: time.Now()}
	result, err := admitted(ctx, c, j)
	c.report(err)
	return result, err
}

// admitted does the job where its caller is if that can be left behind, and hands it over
// otherwise.
func admitted[R any](ctx context.Context, c *call, j job[R]) (none R, err error) {
	t := c.token
	if c.probe, err = t.admit(ctx); err != nil {
		if j.after != nil {
			j.after()
		}
		return none, t.failed(j.op, err)
	}
	if e := callOn(ctx); e != nil {
		defer e.calling.Unlock()
		c.here = true
		return perform(ctx, e, c, j)
	}
	work := func(e *errand) (R, error) { return perform(ctx, e, c, j) }
	return handOver(ctx, t.workers, work, func(err error) error { return t.failed(j.op, err) }, j.discard)
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

// perform does an admitted job on an errand. A result that comes when time is up is
// discarded.
func perform[R any](ctx context.Context, e *errand, c *call, j job[R]) (none R, err error) {
	t := c.token
	c.of = e
	e.watch.begin(c, t.cfg.Limit)
	settled := false
	defer func() {
		if !settled { // it panics, and somebody may recover from that
			c.settle(errLeft)
		}
	}()
	result, err := worked(ctx, c, j)
	settled = true
	if c.settle(err) {
		return result, err
	}
	if err == nil && j.discard != nil {
		j.discard(result)
	}
	return none, t.failed(j.op, ErrHung)
}

// worked is what came of the job's work.
func worked[R any](ctx context.Context, c *call, j job[R]) (R, error) {
	if j.after != nil {
		defer j.after()
	}
	abandoned := func() bool { return c.timeIsUp() || c.of.left() || ctx.Err() != nil }
	result, err := attempt(c.token, c.probe, j.work, abandoned)
	return result, c.token.failed(j.op, err)
}

// settle closes the call's accounts, and reports whether its work came to an end in time.
func (c *call) settle(err error) bool {
	inTime := c.end()
	c.of.watch.finish()
	if !inTime {
		c.token.breaker.returned(err)
		return false
	}
	c.token.breaker.settle(c.probe, err)
	c.token.leaveSeats(1)
	return true
}

// end reports whether the work came to its end in time.
func (c *call) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	return !c.hung
}

// overdue lets another operation have the seat of one that hangs, and whoever waits go.
// The session stays with the call, so the token has to have room for one more.
func (c *call) overdue() {
	if !c.hang() {
		return
	}
	c.token.leaveSeats(1)
	err := c.token.failed(c.op, ErrHung)
	if c.here {
		c.report(err)
	}
	c.of.end(err)
}

// hang reports whether the work hangs. The breaker is told with mu held, so that it hears
// of a call that hangs before it hears that the call came back.
func (c *call) hang() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.hung = true
	c.token.breaker.hang(c.probe)
	return true
}

func (c *call) timeIsUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hung
}

// report tells the observer how the operation ended, once.
func (c *call) report(err error) {
	c.mu.Lock()
	told := c.reported
	c.reported = true
	c.mu.Unlock()
	if !told {
		c.token.cfg.Observer.Operation(c.token.cfg.Label, string(c.op), outcomeOf(err), time.Since(c.began))
	}
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
