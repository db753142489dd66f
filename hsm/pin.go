package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"keyferry/shares/locked"
)

// maxPIN is longer than any token's PIN; SoftHSM takes 255 bytes.
const maxPIN = 255

// PIN opens a token. It lives in locked memory and prints as [secret]. It is made by
// [ReadPIN] or [NewPIN] and ended by Destroy.
type PIN struct {
	secret *locked.Buffer
}

// NewPIN copies a PIN of 1 to 255 bytes into locked memory. It has no control
// characters. The caller clears what it passed.
func NewPIN(secret []byte) (*PIN, error) {
	if err := checkPIN(secret); err != nil {
		return nil, err
	}
	buffer, err := locked.New(len(secret))
	if err != nil {
		return nil, err
	}
	copy(buffer.Bytes(), secret)
	return &PIN{secret: buffer}, nil
}

// ReadPIN reads a PIN from a file that holds nothing else; one newline at its end is
// not part of it. A file that everybody may read, or that others than its owner may
// write, is refused.
func ReadPIN(path string) (*PIN, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the PIN: %w", err)
	}
	defer file.Close()
	if err := checkPrivate(file); err != nil {
		return nil, fmt.Errorf("PIN file %s: %w", path, err)
	}
	pin, err := readPIN(file)
	if err != nil {
		return nil, fmt.Errorf("PIN file %s: %w", path, err)
	}
	return pin, nil
}

// checkPrivate looks at the open file, not at its name, which could change between.
// Its group may read it: that is how containers are handed secrets.
func checkPrivate(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return fmt.Errorf("mode %04o lets others at it: chmod 0400 it", mode)
	}
	return nil
}

// readPIN reads straight into locked memory, with room to see that there is too much.
func readPIN(from io.Reader) (*PIN, error) {
	buffer, err := locked.New(maxPIN + 3)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(from, buffer.Bytes())
	switch {
	case err == nil:
		err = fmt.Errorf("longer than %d bytes: a PIN file holds the PIN alone", maxPIN)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = nil
	}
	if err != nil {
		buffer.Destroy()
		return nil, err
	}
	line := bytes.TrimSuffix(buffer.Bytes()[:n], []byte("\n"))
	buffer.Resize(len(bytes.TrimSuffix(line, []byte("\r"))))
	if err := checkPIN(buffer.Bytes()); err != nil {
		buffer.Destroy()
		return nil, err
	}
	return &PIN{secret: buffer}, nil
}

func checkPIN(secret []byte) error {
	if len(secret) == 0 {
		return errors.New("the PIN is empty")
	}
	if len(secret) > maxPIN {
		return fmt.Errorf("a PIN has at most %d bytes", maxPIN)
	}
	for _, c := range secret {
		if c < 0x20 || c == 0x7f {
			return errors.New("the PIN has a control character in it: a PIN file holds one line")
		}
	}
	return nil
}

// clone lets a Token log in again after its caller destroyed the PIN.
func (p *PIN) clone() (*PIN, error) {
	if p == nil || p.secret.Len() == 0 {
		return nil, errors.New("no PIN given")
	}
	return NewPIN(p.secret.Bytes())
}

// bytes is valid until Destroy.
func (p *PIN) bytes() []byte { return p.secret.Bytes() }

// Destroy wipes the PIN. It may be called more than once, and on nil.
func (p *PIN) Destroy() {
	if p != nil {
		p.secret.Destroy()
	}
}

// Format implements [fmt.Formatter] for every verb.
func (p *PIN) Format(f fmt.State, _ rune) { io.WriteString(f, "[secret]") }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses too.
func (p *PIN) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// LogValue implements [slog.LogValuer].
func (p *PIN) LogValue() slog.Value { return slog.StringValue("[secret]") }
