//go:build cgo

package hsm

import (
	"context"
	"fmt"

	"keyferry/shares/locked"
)

// HashSharedX computes the ECDH of the import key with peer in the token, and writes
// SHA-256(first || x) || SHA-256(second || x) to dst, which is 64 bytes long. x is the
// shared point's first coordinate, 32 bytes, big-endian. It never leaves the token: it
// is a session object that cannot be read (PKCS#11 v2.40, CKM_ECDH1_DERIVE with CKD_NULL
// and C_DigestKey), destroyed before HashSharedX returns.
//
// Two prefixes, because a token gives x but not whether y is even: the caller prepares one
// hash for each. Neither may be empty.
//
// peer is 65 bytes, 0x04 || x || y, and must be on secp256k1: it is checked here and not
// left to the token, since a token that computes on another curve gives its private key
// away. Errors beside those of every operation: [ErrPeer], [ErrMechanismMissing]. After
// an error dst is zero.
func (t *Token) HashSharedX(ctx context.Context, peer, first, second []byte, dst *locked.Buffer) error {
	if dst.Len() != 2*digestLength || len(first) == 0 || len(second) == 0 {
		return fmt.Errorf("hashing a shared secret: %d bytes for the result, %d and %d before the secret", dst.Len(), len(first), len(second))
	}
	if err := checkPoint(peer); err != nil {
		return t.failed("hashing a shared secret", err)
	}
	err := t.withKeys(ctx, "hashing a shared secret with ECDH1 and SHA-256", func(s session) error {
		return s.direct.hashSharedX(s.handle, s.keys.importPrivate, peer, first, second, dst.Bytes())
	})
	if err != nil {
		clear(dst.Bytes())
	}
	return err
}
