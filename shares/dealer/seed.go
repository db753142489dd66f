package dealer

import (
	"crypto/sha512"
	"fmt"
	"slices"

	"filippo.io/edwards25519"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// ScalarFromEd25519Seed returns the private scalar that belongs to a seed of 32
// bytes, as RFC 8032 §5.1.5 derives it: the first half of SHA-512 of the seed,
// clamped, read as a little-endian integer. It is given reduced modulo the group's
// order and big-endian, as [Deal] takes it; the caller must Destroy it.
// Constant-time. An exported key is this scalar: nothing turns it back into a seed.
func ScalarFromEd25519Seed(seed *locked.Buffer) (*locked.Buffer, error) {
	if seed.Len() != 32 {
		return nil, fmt.Errorf("%w: an Ed25519 seed has 32 bytes", shares.ErrScalar)
	}
	scalar, err := locked.New(32)
	if err != nil {
		return nil, err
	}
	locked.Do(func() {
		digest := sha512.Sum512(seed.Bytes())
		// The only error is a wrong length.
		clamped, _ := edwards25519.NewScalar().SetBytesWithClamping(digest[:32])
		copy(scalar.Bytes(), clamped.Bytes())
		slices.Reverse(scalar.Bytes())
	})
	return scalar, nil
}
