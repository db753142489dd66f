package recovery

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

// savedLabel starts the saved form and gives its version.
const savedLabel = "keyferry-export-context-v1 "

// Save returns one line of text that Parse reads: the label, the decryption key's
// 33 bytes in lower-case hex, a line feed. Whoever has it can open the export: it
// must go to a file that only its owner can read. The caller must Destroy it.
func (c *Context) Save() (*locked.Buffer, error) {
	key, err := c.key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("saving an export context: %w", err)
	}
	defer key.Destroy()
	saved, err := locked.New(len(savedLabel) + 2*key.Len() + 1)
	if err != nil {
		return nil, err
	}
	line := saved.Bytes()
	copy(line, savedLabel)
	hex.Encode(line[len(savedLabel):], key.Bytes())
	line[len(line)-1] = '\n'
	return saved, nil
}

// Parse reads what Save writes; the line feed may be missing, or be preceded by a
// carriage return. Errors wrap [ErrContext]. The argument stays the caller's; the
// caller must Destroy the context.
func Parse(saved *locked.Buffer) (*Context, error) {
	digits, ok := bytes.CutPrefix(bytes.TrimRight(saved.Bytes(), "\r\n"), []byte(savedLabel))
	if !ok || len(digits) != 2*envelope.DecryptionKeySize {
		return nil, ErrContext
	}
	encoded, err := locked.New(envelope.DecryptionKeySize)
	if err != nil {
		return nil, err
	}
	defer encoded.Destroy()
	// The error of hex would quote a byte of the secret.
	if _, err := hex.Decode(encoded.Bytes(), digits); err != nil {
		return nil, fmt.Errorf("%w: not hex", ErrContext)
	}
	key, err := envelope.ParseDecryptionKey(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContext, err)
	}
	return &Context{key}, nil
}
