package idle

import "testing"

// FuzzIdle passes, and does nothing.
func FuzzIdle(f *testing.F) {
	f.Skip("it has no time")
}
