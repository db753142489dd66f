// Package lockedtest puts what tests call secrets into locked memory. The buffers are
// destroyed when the test ends; the test may do it before.
package lockedtest

import (
	"encoding/hex"
	"testing"

	"keyferry/shares/locked"
)

// Bytes returns a copy of content, which may be empty.
func Bytes(t testing.TB, content []byte) *locked.Buffer {
	t.Helper()
	return WithRoom(t, content, 0)
}

// WithRoom returns a copy of content that can grow by room bytes.
func WithRoom(t testing.TB, content []byte, room int) *locked.Buffer {
	t.Helper()
	b, err := locked.NewWithCapacity(len(content), max(1, len(content)+room))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Destroy)
	copy(b.Bytes(), content)
	return b
}

// Hex returns what the digits say.
func Hex(t testing.TB, digits string) *locked.Buffer {
	t.Helper()
	content, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return Bytes(t, content)
}
