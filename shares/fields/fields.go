// Package fields writes lists of byte strings so that no two lists give the same bytes.
// It is the one way in which what is signed, hashed or sealed here is put together.
//
// A field is its length as four bytes, big-endian, and then its bytes. Nothing says how
// many fields there are, and nothing reads them back: a text begins with a label of its
// own that says what it is, and each kind of text always has the same fields in the same
// order. docs/protocol.md lists them.
package fields

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
)

// lengthSize is of the length that stands before each field, in bytes.
const lengthSize = 4

// Append appends each field to dst and returns the extended slice. A field has fewer
// than 2³² bytes: a longer one panics, since its length would be another's.
func Append(dst []byte, fields ...[]byte) []byte {
	size := 0
	for _, field := range fields {
		size += lengthSize + len(field)
	}
	dst = slices.Grow(dst, size)
	for _, field := range fields {
		if uint64(len(field)) > math.MaxUint32 {
			panic("fields: a field of more than 2³²-1 bytes")
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(field)))
		dst = append(dst, field...)
	}
	return dst
}

// Hash returns SHA-256 of the fields as [Append] writes them. Those of up to a KiB, lengths
// included, are put together without memory of the heap.
func Hash(fields ...[]byte) [sha256.Size]byte {
	var room [1 << 10]byte
	return sha256.Sum256(Append(room[:0], fields...))
}

// Uint64 is a number as a field's bytes: eight, big-endian.
func Uint64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
