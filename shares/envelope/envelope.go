// Package envelope seals a share to one recipient and opens it again: the ECIES
// envelope that exports and imports have in common.
//
//	EncryptionKey   the recipient's public half; its Seal makes the envelope
//	DecryptionKey   the recipient's private half in locked memory; its Open
//	OpenWithToken   the same for a private half that never leaves a token
//
// An envelope is
//
//	AES-256-GCM ciphertext || tag (16) || ephemeral public key (33, SEC1 compressed)
//
// on secp256k1: the sender draws an ephemeral key e for this one message; the
// shared point is S = e·K for the recipient's key K; the AES key is HKDF-SHA256
// (RFC 5869) of S, 33 bytes compressed, with the salt and info below. Nonce and
// associated data are fixed.
//
// An envelope shows nothing about who made it. Anyone can seal to a public key;
// who sealed what is told by signatures around it.
package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	// salt and info separate these AES keys from every other use of a shared point.
	// They say IMPORT in exports too: the format has one pair of labels only.
	salt = "DFNS_KEY_IMPORT"
	info = "ENCRYPTION_KEY"

	// version is the first byte of both halves of a key.
	version = 0x01

	scalarSize     = 32
	pointSize      = 33 // SEC1 compressed
	tagSize        = 16
	aesKeySize     = 32
	maxPlaintext   = 64 << 10 // a real one has 232 bytes, or about 170 for each signer
	maxEnvelope    = maxPlaintext + Overhead
	encodedKeySize = 1 + pointSize
)

// Overhead is how much longer an envelope is than its plaintext.
const Overhead = tagSize + pointSize

// Errors that callers tell apart.
var (
	// ErrKey says that an encryption or decryption key is not acceptable.
	ErrKey = errors.New("not an acceptable key")
	// ErrOpen is all there is to know about an envelope that does not open. Which
	// step failed would help none but an attacker.
	ErrOpen = errors.New("envelope does not open with this key")
	// ErrSeal says that a plaintext buffer is empty, too long or has no room.
	ErrSeal = errors.New("plaintext cannot be sealed in place")
)

// nonce is all zero. That is safe because an AES key is never used twice: it comes
// from an ephemeral key that is drawn afresh in every Seal.
var nonce [12]byte

// aead returns AES-256-GCM under the key that belongs to a shared point. It runs
// inside locked.Do: HKDF and the cipher keep their state on the heap.
func aead(sharedPoint []byte) (cipher.AEAD, error) {
	prk, err := hkdf.Extract(sha256.New, sharedPoint, []byte(salt))
	if err != nil {
		return nil, fmt.Errorf("deriving the envelope's key: %w", err)
	}
	return aeadFromPRK(prk)
}

// aeadFromPRK does the second half, HKDF-Expand.
func aeadFromPRK(prk []byte) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, prk, info, aesKeySize)
	if err != nil {
		return nil, fmt.Errorf("deriving the envelope's key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("deriving the envelope's key: %w", err)
	}
	return cipher.NewGCM(block)
}
