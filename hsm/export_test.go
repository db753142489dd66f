//go:build cgo

package hsm

import (
	"context"
	"testing"
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
