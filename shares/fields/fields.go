// Package fields writes lists of byte strings so that no two lists give the same bytes.
// It is the one way in which what is signed, hashed or sealed here is put together.
//
// A field is its length as four bytes, big-endian, and then its bytes. Nothing says how
// many fields there are, and nothing reads them back: a text begins with a label of its
// own that says what it is, and each kind of text always has the same fields in the same
// order. docs/protocol.md lists them.
package fields

import (
	"encoding/binary"
	"math"
)

// Append appends each field to dst and returns the extended slice. A field has fewer
// than 2³² bytes: a longer one panics, since its length would be another's.
func Append(dst []byte, fields ...[]byte) []byte {
	for _, field := range fields {
		if uint64(len(field)) > math.MaxUint32 {
			panic("fields: a field of more than 2³²-1 bytes")
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(field)))
		dst = append(dst, field...)
	}
	return dst
}

// Uint64 is a number as a field's bytes: eight, big-endian.
func Uint64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
