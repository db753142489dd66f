//go:build !linux

package locked

// HideProcess does nothing here: servers run on Linux.
func HideProcess() error { return nil }
