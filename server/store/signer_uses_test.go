package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/signer/node"
)

func TestActionIsUsedForOneThing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		use := node.Use{Action: challenge.Bytes{1}, Digest: [32]byte{1}, ExpiresAt: start}
		for range 2 {
			if err := s.UseAction(context.Background(), use); err != nil {
				t.Error(err)
			}
		}
		other := use
		other.Digest = [32]byte{2}
		for range 2 {
			if err := s.UseAction(context.Background(), other); !errors.Is(err, node.ErrUsed) {
				t.Errorf("got %v", err)
			}
		}
		other.Action = challenge.Bytes{2}
		if err := s.UseAction(context.Background(), other); err != nil {
			t.Error(err)
		}
	})
}

func TestOneOfManyDigestsWinsAnAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				use := node.Use{Action: challenge.Bytes{1}, Digest: [32]byte{byte(i)}, ExpiresAt: start}
				if err := s.UseAction(context.Background(), use); err == nil {
					won.Add(1)
				} else if !errors.Is(err, node.ErrUsed) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d digests were taken", won.Load())
		}
	})
}

func TestUseIsKeptForADayAfterItsActionExpired(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		use := node.Use{Action: challenge.Bytes{1}, Digest: [32]byte{1}, ExpiresAt: start}
		other := use
		other.Digest = [32]byte{2}
		if err := s.UseAction(context.Background(), use); err != nil {
			t.Fatal(err)
		}
		if n, err := s.PurgeUses(context.Background(), start.Add(24*time.Hour)); err != nil || n != 0 {
			t.Errorf("purged %d, %v", n, err)
		}
		if err := s.UseAction(context.Background(), other); !errors.Is(err, node.ErrUsed) {
			t.Errorf("got %v", err)
		}
		if n, err := s.PurgeUses(context.Background(), start.Add(24*time.Hour+time.Millisecond)); err != nil || n != 1 {
			t.Errorf("purged %d, %v", n, err)
		}
	})
}
