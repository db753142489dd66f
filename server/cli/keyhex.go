package cli

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"keyferry/shares/locked"
)

const (
	keySize = 32
	// maxKeyLine is 64 digits, an end of line, and one byte to see that there is more.
	maxKeyLine = 2*keySize + 3
)

// readKey reads a private key from a file, or from in for "-": 64 hex digits, with or
// without an end of line. It goes from the file straight into locked memory. The caller
// must Destroy it.
func readKey(path string, in io.Reader) (*locked.Buffer, error) {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading the private key: %w", err)
		}
		defer file.Close()
		in = file
	}
	line, err := locked.New(maxKeyLine)
	if err != nil {
		return nil, err
	}
	defer line.Destroy()
	n, err := io.ReadFull(in, line.Bytes())
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	return parseKey(line.Bytes()[:n])
}

func parseKey(line []byte) (*locked.Buffer, error) {
	digits := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(digits) != 2*keySize {
		return nil, fmt.Errorf("the private key is not %d hex digits on one line", 2*keySize)
	}
	key, err := locked.New(keySize)
	if err != nil {
		return nil, err
	}
	// The error of hex would quote a byte of the secret.
	if _, err := hex.Decode(key.Bytes(), digits); err != nil {
		key.Destroy()
		return nil, errors.New("the private key is not in hex")
	}
	return key, nil
}

// writeKey writes a private key as one line of hex, straight from locked memory.
func writeKey(to io.Writer, key *locked.Buffer) error {
	line, err := locked.New(2*key.Len() + 1)
	if err != nil {
		return err
	}
	defer line.Destroy()
	hex.Encode(line.Bytes(), key.Bytes())
	line.Bytes()[2*key.Len()] = '\n'
	_, err = to.Write(line.Bytes())
	return err
}
