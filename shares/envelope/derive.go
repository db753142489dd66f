package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
)

// The AES key that belongs to a shared point S is HKDF-SHA256 (RFC 5869) with one block
// of output:
//
//	PRK = HMAC(salt, S)
//	key = HMAC(PRK, info || 01)
//
// It is written out here because crypto/hkdf keeps PRK, key and hash states on the
// heap, where they stay until a garbage collection. Here they live on the stack, which
// locked.Do erases at once. Besides, a token needs HMAC in its two halves.

// aead returns AES-256-GCM under the key of a shared point. It runs inside locked.Do,
// as do the functions below: the cipher keeps its state on the heap.
func aead(sharedPoint []byte) (cipher.AEAD, error) {
	prk := mac([]byte(salt), sharedPoint)
	return aeadFromPRK(&prk)
}

// aeadFromInnerHash goes on after the first half of HKDF-Extract, the inner hash of
// HMAC(salt, S).
func aeadFromInnerHash(inner []byte) (cipher.AEAD, error) {
	prk := outerHash([]byte(salt), inner)
	return aeadFromPRK(&prk)
}

func aeadFromPRK(prk *[sha256.Size]byte) (cipher.AEAD, error) {
	key := mac(prk[:], []byte(info+"\x01"))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("the envelope's cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// mac is HMAC-SHA256 (RFC 2104). The key has at most 64 bytes.
func mac(key, message []byte) [sha256.Size]byte {
	inner := sha256.New()
	block := innerBlock(key)
	inner.Write(block[:])
	inner.Write(message)
	var sum [sha256.Size]byte
	return outerHash(key, inner.Sum(sum[:0]))
}

// outerHash makes HMAC of its inner hash.
func outerHash(key, inner []byte) (sum [sha256.Size]byte) {
	outer := sha256.New()
	block := padded(key, 0x5c)
	outer.Write(block[:])
	outer.Write(inner)
	outer.Sum(sum[:0])
	return sum
}

// innerBlock is what HMAC's inner hash takes before the message.
func innerBlock(key []byte) [sha256.BlockSize]byte { return padded(key, 0x36) }

// padded is the key, zeros up to the block size, each byte ⊕ pad.
func padded(key []byte, pad byte) (block [sha256.BlockSize]byte) {
	copy(block[:], key)
	for i := range block {
		block[i] ^= pad
	}
	return block
}
