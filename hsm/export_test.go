//go:build cgo

package hsm

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"keyferry/hsm/fitness"
)

// Occupy begins an operation on the token that ends when release is called.
func Occupy(t testing.TB, token *Token) (release func()) {
	t.Helper()
	began, end, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := run(context.Background(), token, job[struct{}]{
			op:   "occupying",
			work: func(*login) (struct{}, error) { close(began); <-end; return struct{}{}, nil },
		})
		done <- err
	}()
	<-began
	return func() {
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Reaches returns how far the token's library reached into the stack to seal and to open,
// in bytes, and how many of them are wiped behind the next such calls: 0 if they are
// measured.
func Reaches(token *Token) (deepest, wiped [2]uint64) {
	for i, r := range []*reach{&token.module.direct.sealing, &token.module.direct.opening} {
		deepest[i], wiped[i] = r.deepest.Load(), r.next()
	}
	return deepest, wiped
}

// BenchOf is what an open token is examined on.
func BenchOf(token *Token) fitness.Bench {
	return token.module.bench(token.current().slot, token.Label())
}

// GoroutinesDownTo gives goroutines that have done their work a moment to end.
func GoroutinesDownTo(n int) int {
	deadline := time.Now().Add(2 * time.Second)
	for runtime.NumGoroutine() > n && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	return runtime.NumGoroutine()
}

// Resting counts the token's workers that rest.
func Resting(token *Token) int {
	token.workers.mu.Lock()
	defer token.workers.mu.Unlock()
	return len(token.workers.idle)
}

// Operate does an operation on the token that does what it is told, and is observed under
// the given name.
func Operate(ctx context.Context, token *Token, name string, work func() error) error {
	_, err := run(ctx, token, job[struct{}]{
		op:   operation(name),
		work: func(*login) (struct{}, error) { return struct{}{}, work() },
	})
	return err
}

// SetLimit sets the time limit of an open token that nobody uses.
func SetLimit(token *Token, limit time.Duration) { token.cfg.Limit = limit }

// SetObserver sets the observer of an open token that nobody uses.
func SetObserver(token *Token, o Observer) { token.cfg.Observer = o }

// OutcomeOf is what observers are told of an error.
func OutcomeOf(err error) Outcome { return outcomeOf(err) }

// KeepAsking has the token's breaker never wait before it tries again.
func KeepAsking(token *Token) {
	now := time.Now()
	var mu sync.Mutex
	token.breaker.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Hour)
		return now
	}
}
