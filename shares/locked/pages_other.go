//go:build !linux

package locked

// allocate falls back to the Go heap where this package has no locking: the client
// commands work on other systems, with less protection. Servers run on Linux.
func allocate(size int) ([]byte, error) { return make([]byte, size), nil }

func release([]byte) {}
