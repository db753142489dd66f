package keyformat

import (
	"crypto/hkdf"
	"crypto/sha512"
	"crypto/subtle"
	"slices"

	"keyferry/shares/locked"
)

const (
	scalarSize   = 32
	prefixSize   = 32
	expandedSize = scalarSize + prefixSize

	// prefixLabel separates the nonce prefix from every other value derived from the
	// scalar, as the two halves of RFC 8032's hash are separate.
	prefixLabel = "keyferry ed25519 nonce prefix v1"
)

// encodeExpanded writes an Ed25519 key as RFC 8032 §5.1.5 has it after hashing the
// seed:
//
//	scalar (32, little-endian) || nonce prefix (32)
//
// This is what cardano-serialization-lib calls an extended private key
// (PrivateKey.from_extended_bytes), Tor puts into hs_ed25519_secret_key after its
// header, and ed25519-dalek calls an ExpandedSecretKey. It is no BIP32-Ed25519 root:
// there is no chain code, and no child keys follow from it.
//
// The scalar is congruent to the key modulo the group's order, so its public key is
// the same. It is the clamped one (bit 254 set, bit 255 and the lowest three clear)
// where there is one, which is true of about half of all keys, and of every key that
// was imported from a seed: its scalar comes back as the seed's hash gave it.
// Software that clamps what it reads (ed25519-dalek 2) takes such a key. For others
// the scalar is the one below the order, which only software that does not clamp
// takes for the same key.
//
// The original prefix is lost, if there ever was one, and is not needed: it only
// makes nonces that nobody can guess, and verifiers never see it. It is HKDF-SHA-512
// (RFC 5869) of the key, so that the same key gives the same file and the same
// signatures.
func encodeExpanded(k privateKey) (*locked.Buffer, error) {
	expanded, err := locked.New(expandedSize)
	if err != nil {
		return nil, err
	}
	locked.Do(func() {
		copy(expanded.Bytes(), k.scalar)
		slices.Reverse(expanded.Bytes()[:scalarSize])
		clampIfPossible((*[scalarSize]byte)(expanded.Bytes()))
		err = noncePrefix(expanded.Bytes()[scalarSize:], k.scalar)
	})
	if err != nil {
		expanded.Destroy()
		return nil, err
	}
	return expanded, nil
}

// encodeExpandedHex writes encodeExpanded's bytes as 128 lower-case digits.
func encodeExpandedHex(k privateKey) (*locked.Buffer, error) {
	expanded, err := encodeExpanded(k)
	if err != nil {
		return nil, err
	}
	defer expanded.Destroy()
	return hexLine(expanded.Bytes())
}

// noncePrefix fails only for a length that HKDF cannot give, or a policy of FIPS 140.
func noncePrefix(dst, scalar []byte) error {
	prefix, err := hkdf.Key(sha512.New, scalar, nil, prefixLabel, len(dst))
	copy(dst, prefix)
	clear(prefix)
	return err
}

// clampIfPossible adds the multiple of the group's order, if there is one, that
// clamps the scalar, which is little-endian and below the order. There is at most
// one: clamped numbers are multiples of 8 in [2^254, 2^255), and 8 times the order
// is more than 2^254. Constant-time.
func clampIfPossible(scalar *[scalarSize]byte) {
	candidate := *scalar
	for range 8 {
		subtle.ConstantTimeCopy(isClamped(&candidate), scalar[:], candidate[:])
		addOrder(&candidate)
	}
}

// isClamped returns 1 for a number that RFC 8032 §5.1.5 step 2 would not change.
func isClamped(number *[scalarSize]byte) int {
	return subtle.ConstantTimeByteEq(number[0]&0b0000_0111, 0) &
		subtle.ConstantTimeByteEq(number[31]&0b1100_0000, 0b0100_0000)
}

// addOrder adds 2^252 + 27742317777372353535851937790883648493, little-endian, the
// order of edwards25519's prime-order group (RFC 8032 §5.1). A scalar and eight times
// the order stay below 2^256.
func addOrder(number *[scalarSize]byte) {
	order := [scalarSize]byte{
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		31: 0x10,
	}
	carry := uint(0)
	for i := range number {
		carry += uint(number[i]) + uint(order[i])
		number[i] = byte(carry)
		carry >>= 8
	}
}
