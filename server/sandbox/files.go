//go:build cgo

package sandbox

import (
	"errors"
	"os"
	"path/filepath"
)

// replaceFile writes by rename, with access for the owner alone: nobody reads half a
// file, and an interrupted start leaves the old one or the new.
func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
