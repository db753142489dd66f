//go:build unix

package trust

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock makes its holder the only one until unlock is called or the process ends, in
// whatever way (flock(2)). The file that stays behind means nothing by itself.
func lock(path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, err
	}
	return file.Close, nil
}

// syncDirectory makes a new name in a directory durable.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
