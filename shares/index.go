package shares

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
)

// Index is where a share lies on the polynomial: 32 bytes, big-endian, public. The
// zero Index is where the secret lies and is refused for a share.
type Index [scalarSize]byte

// IndexOf returns the index of the signer at a position, counted from 1. Below 1
// it returns the zero Index, which is refused everywhere.
func IndexOf(position int) Index {
	var i Index
	if position > 0 {
		binary.BigEndian.PutUint64(i[scalarSize-8:], uint64(position))
	}
	return i
}

// ParseIndex accepts 32 bytes, big-endian, in [1, order). Errors wrap [ErrIndexes].
func ParseIndex(curve Curve, encoded []byte) (Index, error) {
	if err := curve.CheckScalar(encoded); err != nil {
		return Index{}, fmt.Errorf("%w: %w", ErrIndexes, err)
	}
	return Index(encoded), nil
}

// Hex returns 64 lower-case digits.
func (i Index) Hex() string { return hex.EncodeToString(i[:]) }

// String returns the index in decimal.
func (i Index) String() string { return i.int().String() }

func (i Index) int() *big.Int { return new(big.Int).SetBytes(i[:]) }

// checkIndexes accepts distinct indexes in [1, order).
func checkIndexes(curve Curve, indexes []Index) error {
	seen := make(map[Index]bool, len(indexes))
	for _, i := range indexes {
		if err := curve.CheckScalar(i[:]); err != nil {
			return fmt.Errorf("%w: %w", ErrIndexes, err)
		}
		if seen[i] {
			return fmt.Errorf("%w: %s twice", ErrIndexes, i)
		}
		seen[i] = true
	}
	return nil
}
