package hsm

import (
	"context"
	"sync"
)

// errand is what a worker does for somebody who waits until it is done, until a call hangs
// or until his context ends. Whichever comes first ends it, and he goes; the worker may be
// at it for long after that.
type errand struct {
	run  func(*worker) // the work, rest for the worker, and the end
	done chan struct{} // closed at the end; nil if nobody waits, and then there is no end

	// calling is held by the operation that is done on the errand. It guards watch.
	calling sync.Mutex
	watch   *watch

	mu   sync.Mutex
	over bool
	err  error
}

// end reports whether it was this that ended the errand.
func (e *errand) end(err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || e.done == nil {
		return false
	}
	e.over, e.err = true, err
	close(e.done)
	return true
}

// left reports whether whoever waited has gone. It is asked while the work runs.
func (e *errand) left() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.over
}

// Expendable gives the context to a goroutine that can be left behind: whoever is interested
// in what it does waits elsewhere, and no longer than he wants, as one does who asks several
// signers at once. Operations that get the context are done on that goroutine, with nothing
// handed over. One that hangs keeps it until the library lets it go, and then returns
// [ErrHung]; to the token and to everybody else it is what any hung operation is. A context
// that is on an errand already stays on it: somebody may wait for that one's end.
func Expendable(ctx context.Context) context.Context {
	if errandOf(ctx) != nil {
		return ctx
	}
	return context.WithValue(ctx, errandKey{}, &errand{watch: &watch{}})
}

// handedOver takes the context off its errand, for operations during which something is
// held that others wait for: whoever holds it must not stay in a call that hangs.
func handedOver(ctx context.Context) context.Context {
	return context.WithValue(ctx, errandKey{}, (*errand)(nil))
}

// errandKey is the context's key for the errand that it is on.
type errandKey struct{}

func errandOf(ctx context.Context) *errand {
	e, _ := ctx.Value(errandKey{}).(*errand)
	return e
}

// callOn gives the errand that the context is on to one operation, which unlocks calling in
// the end. It gives nil if there is none, or if it has its hands full: somebody took the
// context along to another goroutine.
func callOn(ctx context.Context) *errand {
	e := errandOf(ctx)
	if e == nil || !e.calling.TryLock() {
		return nil
	}
	return e
}
