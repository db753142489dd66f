//go:build cgo

package hsm

import (
	"testing"
	"time"
)

// watched is a call that says when its time is up.
type watched chan struct{}

func (w watched) overdue() { close(w) }

func TestWatchGoesOffForTheCallThatIsLate(t *testing.T) {
	var w watch
	for range 3 {
		inTime, late, next := make(watched), make(watched), make(watched)
		w.begin(inTime, time.Minute)
		if !w.finish() {
			t.Error("a call in time was late")
		}
		w.begin(late, time.Millisecond)
		<-late
		if w.finish() {
			t.Error("a late call was in time")
		}
		w.begin(next, time.Minute)
		if !w.finish() {
			t.Error("the call after the late one was late")
		}
		select {
		case <-inTime:
			t.Error("it went off for a call before")
		case <-next:
			t.Error("it went off for a call after")
		default:
		}
	}
}

// A result that its caller forgot must be collected, for its finalizer wipes it.
func TestWatchHoldsNoCallThatIsOver(t *testing.T) {
	var w watch
	w.begin(make(watched), time.Minute)
	w.finish()
	if w.set.call != nil {
		t.Error("it still has the call")
	}
}
