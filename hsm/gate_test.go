//go:build cgo

package hsm

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestGateKeepsCallsOutWhileSomebodyIsAlone(t *testing.T) {
	var g gate
	var inside, alone atomic.Int32
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 200 {
				g.enter()
				inside.Add(1)
				if alone.Load() != 0 {
					t.Error("entered while somebody is alone")
				}
				inside.Add(-1)
				g.leave()
			}
		})
	}
	for range 3 {
		running.Go(func() {
			for range 50 {
				if !g.enterAlone(10 * time.Second) {
					t.Error("never alone")
					return
				}
				if alone.Add(1) != 1 || inside.Load() != 0 {
					t.Error("not alone")
				}
				alone.Add(-1)
				g.leaveAlone()
			}
		})
	}
	running.Wait()
}

func TestGateOpensAgainWhenACallDoesNotLeave(t *testing.T) {
	var g gate
	g.enter()
	if g.enterAlone(10 * time.Millisecond) {
		t.Fatal("alone with a call inside")
	}
	g.enter() // others are not kept out for ever
	g.leave()
	g.leave()
	if !g.enterAlone(time.Second) {
		t.Fatal("not alone when all have left")
	}
	if g.enterAlone(10 * time.Millisecond) {
		t.Error("two are alone")
	}
	g.leaveAlone()
	g.enter()
	g.leave()
}
