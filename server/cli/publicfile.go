package cli

import (
	"errors"
	"io"
	"os"
)

// publish writes a document that everybody may read to a new file, or to standard output
// if the path is -.
func publish(document interface{ Marshal() ([]byte, error) }, path string, stdout io.Writer) error {
	text, err := document.Marshal()
	if err != nil {
		return err
	}
	if path == "-" {
		_, err := stdout.Write(text)
		return err
	}
	return writeNewFile(path, text)
}

// writeNewFile writes what everybody may read. It never overwrites; after an error
// there is no new file.
func writeNewFile(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
