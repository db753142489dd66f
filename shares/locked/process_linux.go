package locked

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// HideProcess keeps the whole process out of core dumps and away from debuggers that
// run as the same user: PR_SET_DUMPABLE is 0 (prctl(2)), so /proc/PID/mem belongs to
// root, and RLIMIT_CORE is 0. Call it before there are secrets.
//
// It also locks and keeps as many pages as Buffers use again and again, so that a limit
// that is too low is told at the start and not at the first export. That error wraps
// [ErrMemory] and says what to raise.
func HideProcess() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("making the process undumpable: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turning core files off: %w", err)
	}
	return reserve()
}

// reserve fills the store of spare pages.
func reserve() error {
	for range maxSpare - len(spare) {
		page, err := mapFresh(unix.Getpagesize())
		if err != nil {
			return fmt.Errorf("reserving %d KiB: %w", maxSpare*unix.Getpagesize()>>10, err)
		}
		if !keepSpare(page) {
			unmap(page)
		}
	}
	return nil
}
