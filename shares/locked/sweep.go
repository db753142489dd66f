package locked

import (
	"runtime"
	"sync/atomic"
	"time"
)

// sweepAfter is how long a [Sweeper] waits for more work to end before it collects.
const sweepAfter = 100 * time.Millisecond

// Sweeper has garbage collected soon after work on secrets. What [Do] leaves on the
// heap is erased only when it is collected, and a process with nothing to do may not
// collect for minutes.
//
// One is enough for a process. The zero value is ready; it is safe for concurrent use.
type Sweeper struct {
	pending atomic.Bool
}

// Soon has everything that is garbage now collected, beginning within 100 ms. It does
// not wait for that. Many calls share one collection, so that a busy process pays for
// ten in a second at most. In builds that erase nothing it does nothing.
func (s *Sweeper) Soon() {
	if !Erases || !s.pending.CompareAndSwap(false, true) {
		return
	}
	time.AfterFunc(sweepAfter, func() {
		// Before the collection: what ends while it runs needs the next one.
		s.pending.Store(false)
		runtime.GC()
	})
}
