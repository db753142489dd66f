package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
)

// shared lets callers who ask for the same at the same time share one lookup. Nobody is
// given an answer that was looked up before he asked, so that what was changed by then,
// such as a credential that was revoked, is what he sees. The zero value is ready; it is
// safe for concurrent use.
type shared[K comparable, V any] struct {
	mu     sync.Mutex
	coming map[K]*lookup[V] // that have not begun
}

// lookup is one that somebody is about to make, or has made.
type lookup[V any] struct {
	done  chan struct{} // closed when value and err are set
	value V
	err   error
}

// errNoAnswer is for the others if a lookup ends in a panic.
var errNoAnswer = errors.New("the lookup came to no end")

// get looks a key up, or awaits the lookup of somebody who is about to. If that one has
// no time left, the others look for themselves.
func (s *shared[K, V]) get(ctx context.Context, key K, look func(context.Context) (V, error)) (V, error) {
	l, mine := s.join(key)
	if mine {
		runtime.Gosched() // those who come at the same time come now
		s.begin(key)
		l.look(ctx, look)
		return l.value, l.err
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	if errors.Is(l.err, context.Canceled) || errors.Is(l.err, context.DeadlineExceeded) {
		return look(ctx)
	}
	return l.value, l.err
}

func (l *lookup[V]) look(ctx context.Context, look func(context.Context) (V, error)) {
	defer close(l.done)
	l.err = errNoAnswer
	l.value, l.err = look(ctx)
}

// join returns the coming lookup of a key, and whether it is the caller's to make.
func (s *shared[K, V]) join(key K) (l *lookup[V], mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, coming := s.coming[key]; coming {
		return l, false
	}
	if s.coming == nil {
		s.coming = map[K]*lookup[V]{}
	}
	l = &lookup[V]{done: make(chan struct{})}
	s.coming[key] = l
	return l, true
}

// begin lets nobody join any more.
func (s *shared[K, V]) begin(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.coming, key)
}
