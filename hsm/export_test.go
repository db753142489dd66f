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
		done <- token.withSession(context.Background(), "occupying", func(session) error {
			close(began)
			<-end
			return nil
		})
	}()
	<-began
	return func() {
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
