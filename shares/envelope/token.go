package envelope

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/shares/locked"
)

// SharedXHasher is a private key inside a token that computes the shared point but
// lets only hashes of its x coordinate out.
type SharedXHasher interface {
	// HashSharedX runs ECDH with the peer, 65 bytes of uncompressed SEC1, and writes
	// SHA-256(first || x) and SHA-256(second || x), where x is the shared point's
	// 32-byte big-endian coordinate, one after the other into the 64 bytes of dst.
	HashSharedX(ctx context.Context, peer, first, second []byte, dst *locked.Buffer) error
}

// OpenWithToken opens an envelope as [DecryptionKey.Open] does, with a private key
// that stays in its token. Whatever is wrong with the envelope, the error is
// [ErrOpen]; errors of the token are returned wrapped.
//
// The AES key is HKDF of the compressed shared point, prefix || x. HKDF-Extract is
// HMAC (RFC 2104), and the token computes HMAC's inner hash over
// (salt ⊕ ipad) || prefix || x, so x itself need not leave it. Tokens give x without
// the parity of y: both prefixes are computed, and the tag tells which one is right.
//
// So the parity of the ephemeral key itself makes no difference either: an envelope
// in which its prefix 02 was changed to 03 still opens, to the same plaintext, where
// [DecryptionKey.Open] refuses it. Do not take an envelope's bytes for an identifier
// of its content.
func OpenWithToken(ctx context.Context, token SharedXHasher, envelope []byte) (*locked.Buffer, error) {
	sealed, ephemeral, err := dissect(envelope)
	if err != nil {
		return nil, err
	}
	peer, err := dcrd.ParsePubKey(ephemeral[:])
	if err != nil {
		return nil, ErrOpen
	}
	hashes, err := locked.New(2 * sha256.Size)
	if err != nil {
		return nil, err
	}
	defer hashes.Destroy()
	even, odd := innerPrefix(0x02), innerPrefix(0x03)
	if err := token.HashSharedX(ctx, peer.SerializeUncompressed(), even, odd, hashes); err != nil {
		return nil, fmt.Errorf("opening an envelope in the token: %w", err)
	}
	return decrypt(sealed,
		func() (cipher.AEAD, error) { return aeadFromInnerHash(hashes.Bytes()[:sha256.Size]) },
		func() (cipher.AEAD, error) { return aeadFromInnerHash(hashes.Bytes()[sha256.Size:]) })
}

// innerPrefix is what HMAC's inner hash takes before x: its first block, 64 bytes, and
// the shared point's SEC1 prefix.
func innerPrefix(parity byte) []byte {
	block := innerBlock([]byte(salt))
	return append(block[:], parity)
}
