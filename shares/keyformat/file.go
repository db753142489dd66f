package keyformat

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"keyferry/shares/locked"
)

// WriteFile writes a secret to a new file of mode 0600, on file systems that keep
// modes. It never overwrites and never follows a symbolic link in the file's place:
// what exists is an error that wraps [os.ErrExist]. When it returns without an
// error the file is on disk; after an error there is no file.
func WriteFile(path string, secret *locked.Buffer) error {
	if secret == nil || secret.Len() == 0 {
		return fmt.Errorf("writing %q: there is no key to write", path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("creating a key file: %w", err)
	}
	if err := writeAndClose(file, secret.Bytes()); err != nil {
		return fmt.Errorf("writing a key file: %w", errors.Join(err, os.Remove(path)))
	}
	syncDirectory(filepath.Dir(path))
	return nil
}

// writeAndClose closes the file in any case.
func writeAndClose(file *os.File, secret []byte) error {
	_, err := file.Write(secret)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDirectory makes the file's name durable where a directory can be synced. The
// contents are on disk already, and not every system can do this.
func syncDirectory(path string) {
	if directory, err := os.Open(path); err == nil {
		_ = directory.Sync()
		_ = directory.Close()
	}
}
