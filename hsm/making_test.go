//go:build cgo

package hsm_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"keyferry/hsm/hsmtest"
)

// SoftHSM gives a new token's place to another when it is next asked for its slots, into a
// table that nothing guards: two who ask at once could end the process.
func TestTokensAreMadeWhileOthersLogIn(t *testing.T) {
	keeper := hsmtest.Open(t, hsmtest.Blank(t)) // or the library would end with each login
	var made atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		defer made.Store(true)
		for range 100 {
			hsmtest.Blank(t)
		}
	})
	for range 6 {
		cfg := hsmtest.Blank(t)
		all.Go(func() {
			for !made.Load() {
				token, err := hsmtest.Module(t).Token(cfg)
				if err != nil {
					t.Error(err)
					return
				}
				if err := token.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := keeper.Ready(context.Background()); err == nil {
		t.Error("a blank token is ready")
	}
}
