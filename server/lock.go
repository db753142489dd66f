//go:build cgo

package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"keyferry/config"
)

// ErrRunning says that another process serves from the same directory.
var ErrRunning = errors.New("another keyferry process uses this directory: stop it first, or choose another directory")

// LockDirectory makes its holder the only one who serves from a directory, until the
// lock is closed or the process ends, in whatever way: it is the kernel's (flock(2)),
// and the file that stays behind means nothing by itself. Errors wrap [ErrRunning]
// where somebody else holds it.
func LockDirectory(dir string) (io.Closer, error) {
	path := filepath.Join(dir, "keyferry.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrRunning
		}
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return file, nil
}

// lockState locks the directory that one server at a time may use. Where all state is
// in PostgreSQL there is none: processes may share it.
func lockState(c config.Config) (io.Closer, error) {
	dir := c.Directory()
	if dir == "" {
		return io.NopCloser(nil), nil
	}
	return LockDirectory(dir)
}
