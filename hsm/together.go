//go:build cgo

package hsm

import "context"

// handOver has a worker do the work, and waits for it. Who leaves because the context ends
// says so with gone. A result that comes after that goes to discard, if there is one.
func handOver[R any](ctx context.Context, p *workers, work func(*errand) (R, error), gone func(error) error, discard func(R)) (none R, err error) {
	var result R
	e := &errand{done: make(chan struct{})}
	e.run = func(w *worker) {
		made, err := work(e)
		result = made
		w.rest() // before the one who waits knows: he may be back with another at once
		if !e.end(err) && err == nil && discard != nil {
			discard(made)
		}
	}
	p.send(e)
	select {
	case <-e.done:
	case <-ctx.Done():
		e.end(gone(ctx.Err()))
	}
	<-e.done
	if e.err != nil {
		return none, e.err
	}
	return result, nil
}

// Together calls f on a goroutine that can be left behind, and has operations that get f's
// context done there, one after the other. An operation alone is handed over to such a
// goroutine and its result handed back, for which Go wakes an idle processor: most of what
// this package costs. Together they are handed over once, and not at all if the context says
// that its goroutine is [Expendable].
//
// If one of them hangs, Together returns [ErrHung] as the operation would, and so it does
// with the context's error when that ends first. f is then left behind, and comes to its
// end when the library lets it. So what f sets may be read if and only if Together returns
// nil; and what f holds during an operation must be nothing that others wait for, and no
// secret. An f that panics does so in its caller, if he is still there.
func (t *Token) Together(ctx context.Context, f func(context.Context) error) error {
	if errandOf(ctx) != nil {
		return f(ctx)
	}
	work := func(e *errand) (p *panicked, err error) {
		defer e.calling.Lock() // for ever: the context may outlive the errand, elsewhere
		defer func() {
			if value := recover(); value != nil {
				p = &panicked{value}
			}
		}()
		return nil, f(context.WithValue(ctx, errandKey{}, e))
	}
	p, err := handOver(ctx, t.workers, work, func(err error) error { return t.explain("working", err) }, nil)
	if p != nil {
		panic(p.value)
	}
	return err
}

// panicked is what an f panicked with.
type panicked struct{ value any }
