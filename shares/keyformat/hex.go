package keyformat

import (
	"encoding/hex"

	"keyferry/shares/locked"
)

// encodeHex writes the scalar as 64 lower-case digits, big-endian, without 0x, as
// the API writes scalars and as geth's `account import` reads them.
func encodeHex(k privateKey) (*locked.Buffer, error) {
	return hexLine(k.scalar)
}

// encodeRaw writes the scalar's 32 bytes, big-endian.
func encodeRaw(k privateKey) (*locked.Buffer, error) {
	return filled(len(k.scalar), func(dst []byte) { copy(dst, k.scalar) })
}

func hexLine(secret []byte) (*locked.Buffer, error) {
	return filled(2*len(secret)+1, func(dst []byte) {
		hex.Encode(dst, secret)
		dst[len(dst)-1] = '\n'
	})
}
