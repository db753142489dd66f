//go:build cgo

package hsm

// #include "../shares/locked/wipe.h"
import "C"

import "sync/atomic"

// Wiping 64 KiB of stack is a good part of what this package adds to a call, since it
// drives the library's memory out of the cache. So as much is wiped as calls of the kind
// were seen to reach into, several times over, and 64 KiB behind a call that is measured
// or that fails.
const (
	firstMeasured = 16   // calls, to begin with
	measuredEvery = 1024 // calls, from then on: measuring takes some 50 µs
	reachMargin   = 4
	leastWiped    = 16 << 10
	mostWiped     = C.KF_WIPED_STACK
)

// reach is how far calls of one kind reach into the stack, as measured on the library at
// hand. It never shrinks. The zero value is ready; it is safe for concurrent use.
type reach struct {
	calls   atomic.Uint64
	deepest atomic.Uint64 // bytes; 0: nothing is measured yet
}

// next is how many bytes to wipe behind the next call, or 0 if it is to be measured.
func (r *reach) next() uint64 {
	deepest, n := r.deepest.Load(), r.calls.Add(1)
	if deepest == 0 || n <= firstMeasured || n%measuredEvery == 0 {
		return 0
	}
	return min(max(reachMargin*deepest, leastWiped), mostWiped)
}

// saw takes how far a call reached that was measured.
func (r *reach) saw(bytes uint64) {
	for {
		deepest := r.deepest.Load()
		if bytes <= deepest || r.deepest.CompareAndSwap(deepest, bytes) {
			return
		}
	}
}
