package locked

import (
	"runtime/debug"
	"testing"
	"time"
)

func collections() int64 {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return stats.NumGC
}

// Nothing else collects while these tests run.
func withoutCollections(t *testing.T) {
	before := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(before) })
}

func TestSweeperCollectsOnceAfterABurst(t *testing.T) {
	withoutCollections(t)
	var s Sweeper
	before := collections()
	for range 1000 {
		s.Soon()
	}
	time.Sleep(4 * sweepAfter)
	want := int64(0)
	if Erases {
		want = 1
	}
	if n := collections() - before; n != want {
		t.Errorf("%d collections, want %d", n, want)
	}
}

func TestSweeperCollectsAfterEachBurst(t *testing.T) {
	if !Erases {
		t.Log("this build erases nothing: there is nothing to collect for")
		return
	}
	withoutCollections(t)
	var s Sweeper
	for burst := range 3 {
		before := collections()
		s.Soon()
		for deadline := time.Now().Add(10 * time.Second); collections() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("nothing was collected after burst %d", burst)
			}
		}
	}
}
