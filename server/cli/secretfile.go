package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"keyferry/shares/locked"
)

// maxSecretFile is more than a saved context or a password has.
const maxSecretFile = 1024

// readSecretFile reads a short file straight into locked memory. The caller must
// Destroy it.
func readSecretFile(path string) (*locked.Buffer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	secret, err := locked.New(maxSecretFile + 1)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(file, secret.Bytes())
	switch {
	case err == nil:
		err = fmt.Errorf("%s has more than %d bytes", path, maxSecretFile)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		secret.Resize(n)
		return secret, nil
	}
	secret.Destroy()
	return nil, err
}
