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
// agreement.go says what is needed of the curve. In builds with cgo libsecp256k1
// does it (agreement_secp256k1.go), in pure Go dcrd (agreement_dcrd.go). Encryption
// keys are parsed by dcrd in both. derive.go makes the AES key.
//
// An envelope shows nothing about who made it. Anyone can seal to a public key;
// who sealed what is told by signatures around it.
package envelope

import "errors"

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
