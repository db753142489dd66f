// Package locked keeps secrets outside the Go heap.
//
// A [Buffer] is a piece of memory that the garbage collector never sees, never
// moves and never copies: anonymous pages, locked against swapping, left out of
// core dumps and children, and wiped by Destroy. Every plaintext share, every
// scalar and every transport key of this project lives in one, from the moment
// it comes out of a token or a decryption until the caller's Destroy. A few wiped
// pages are kept for the next Buffers; see spare_linux.go.
//
// [Do] is the other half: arithmetic on a secret happens in registers, on the
// stack and in short-lived heap values, and Do has the runtime erase these where
// the build supports it. For arithmetic in C, wipe.h does so at the end of the call.
//
// What this package does not do: it does not encrypt memory, and it does not
// protect against someone who can read the process while a secret is in use.
package locked

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
)

// ErrMemory is wrapped by the errors of [New]: the system refused locked memory.
var ErrMemory = errors.New("locked memory is not available")

// Buffer holds one secret. Its length may shrink or grow within its capacity; the
// memory never moves. A Buffer is not safe for concurrent use.
//
// A Buffer prints as [secret] through fmt, slog and encoding/json.
type Buffer struct {
	pages []byte // all that was allocated, in whole pages
	data  []byte // pages[:len:capacity]
}

// New returns a Buffer of the given length, all zero, whose capacity is that
// length. The caller must call Destroy.
func New(length int) (*Buffer, error) {
	return NewWithCapacity(length, length)
}

// NewWithCapacity returns a zeroed Buffer with room to grow in place, as sealing
// a plaintext where it stands needs.
func NewWithCapacity(length, capacity int) (*Buffer, error) {
	if length < 0 || capacity < length || capacity == 0 {
		return nil, fmt.Errorf("locked: impossible size %d of %d", length, capacity)
	}
	pages, err := allocate(capacity)
	if err != nil {
		return nil, err
	}
	b := &Buffer{pages: pages, data: pages[:length:capacity]}
	// A forgotten Destroy would leave the secret for the life of the process.
	runtime.SetFinalizer(b, (*Buffer).Destroy)
	return b, nil
}

// Bytes returns the secret itself. The slice is valid until Destroy: afterwards the
// memory may be another Buffer's. It must not be kept, converted to a string or
// appended to.
func (b *Buffer) Bytes() []byte { return b.data }

// Len returns the secret's length in bytes.
func (b *Buffer) Len() int { return len(b.data) }

// Cap returns how far the Buffer can be resized.
func (b *Buffer) Cap() int { return cap(b.data) }

// Resize sets the length. What is cut off is wiped, what is added is zero. It
// panics beyond the capacity: that is a programming error.
func (b *Buffer) Resize(length int) {
	if length < len(b.data) {
		clear(b.data[length:])
	}
	b.data = b.data[:length]
}

// Destroy wipes the memory and gives it back. It may be called more than once, and
// on nil.
func (b *Buffer) Destroy() {
	if b == nil || b.pages == nil {
		return
	}
	if wipes {
		clear(b.pages)
	}
	release(b.pages)
	b.pages, b.data = nil, nil
	runtime.SetFinalizer(b, nil)
}

const redacted = "[secret]"

// Format implements [fmt.Formatter] for every verb, %x and %#v included.
func (b *Buffer) Format(f fmt.State, _ rune) { f.Write([]byte(redacted)) }

// String implements [fmt.Stringer].
func (b *Buffer) String() string { return redacted }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses too.
func (b *Buffer) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (b *Buffer) LogValue() slog.Value { return slog.StringValue(redacted) }
