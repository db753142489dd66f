package locked

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// allocate returns zeroed memory of at least the given size.
func allocate(size int) ([]byte, error) {
	if size > os.Getpagesize() {
		return mapLocked(size)
	}
	if page := takeSpare(); page != nil {
		return page, nil
	}
	return mapLocked(os.Getpagesize())
}

// release takes back what allocate gave, wiped by the caller.
func release(pages []byte) {
	if len(pages) != os.Getpagesize() || !keepSpare(pages) {
		unmap(pages)
	}
}

// mapLocked tries again without the spare pages, which count against the limit for
// locked memory.
func mapLocked(size int) ([]byte, error) {
	pages, err := mapFresh(size)
	if err != nil && freeSpare() {
		return mapFresh(size)
	}
	return pages, err
}

// mapFresh maps fresh pages: private and anonymous, so zero; locked, so never
// swapped; not dumped; and not inherited by a child process.
func mapFresh(size int) ([]byte, error) {
	pages, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("%w: mapping %d bytes: %w", ErrMemory, size, err)
	}
	if err := lock(pages); err != nil {
		unmap(pages)
		return nil, err
	}
	return pages, nil
}

func lock(pages []byte) error {
	if err := unix.Mlock(pages); err != nil {
		if errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EPERM) {
			return fmt.Errorf("%w: the limit for locked memory is too low: raise it (ulimit -l, LimitMEMLOCK= in systemd, --ulimit memlock in a container): %w", ErrMemory, err)
		}
		return fmt.Errorf("%w: locking: %w", ErrMemory, err)
	}
	for _, advice := range []int{unix.MADV_DONTDUMP, unix.MADV_DONTFORK} {
		if err := unix.Madvise(pages, advice); err != nil {
			return fmt.Errorf("%w: keeping pages out of dumps and children: %w", ErrMemory, err)
		}
	}
	return nil
}
