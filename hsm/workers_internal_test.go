//go:build cgo

package hsm

import (
	"runtime"
	"testing"
)

// sent is an errand that says which worker did it, and may wait before it ends.
type sent struct {
	by   chan *worker
	wait <-chan struct{}
}

func send(pool *workers, wait <-chan struct{}) sent {
	s := sent{make(chan *worker, 1), wait}
	pool.send(&errand{run: func(w *worker) {
		if s.wait != nil {
			<-s.wait
		}
		w.rest()
		s.by <- w
	}})
	return s
}

func TestWorkerThatRestsGoesOnTheNextErrand(t *testing.T) {
	pool := &workers{most: 2}
	defer pool.end()
	first := <-send(pool, nil).by
	for i := range 100 {
		if w := <-send(pool, nil).by; w != first {
			t.Fatalf("another worker goes on errand %d though one rests", i)
		}
	}
}

func TestErrandsAtTheSameTimeHaveAWorkerEach(t *testing.T) {
	pool := &workers{most: 2}
	defer pool.end()
	end := make(chan struct{})
	errands := []sent{send(pool, end), send(pool, end), send(pool, end)}
	close(end)
	by := map[*worker]bool{}
	for _, errand := range errands {
		by[<-errand.by] = true
	}
	if len(by) != 3 {
		t.Errorf("%d workers went on 3 errands", len(by))
	}
	if len(pool.idle) != 2 {
		t.Errorf("%d workers rest, and 2 may", len(pool.idle))
	}
}

func TestWorkersGoHomeInTheEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	pool := &workers{most: 2}
	end := make(chan struct{})
	busy := send(pool, end)
	<-send(pool, nil).by
	pool.end()
	close(end)
	<-busy.by
	mustHaveGone(t, before)
}

func mustHaveGone(t *testing.T, before int) {
	t.Helper()
	if after := GoroutinesDownTo(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}
