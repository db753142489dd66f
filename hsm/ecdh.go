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
// away. Errors beside those of every operation: [ErrPeer], [ErrMechanismMissing], [ErrNoImport]. After
// an error dst is zero.
func (t *Token) HashSharedX(ctx context.Context, peer, first, second []byte, dst *locked.Buffer) error {
	if dst.Len() != 2*digestLength || len(first) == 0 || len(second) == 0 {
		return fmt.Errorf("hashing a shared secret: %d bytes for the result, %d and %d before the secret", dst.Len(), len(first), len(second))
	}
	clear(dst.Bytes())
	if err := checkPoint(peer); err != nil {
		return t.failed(opHash, err)
	}
	hashes, err := run(ctx, t, job[*locked.Buffer]{
		op:      opHash,
		work:    withKeys(t, func(s session) (*locked.Buffer, error) { return s.hashSharedX(peer, first, second) }),
		discard: (*locked.Buffer).Destroy,
	})
	if err != nil {
		return err
	}
	defer hashes.Destroy()
	locked.Do(func() { copy(dst.Bytes(), hashes.Bytes()) })
	return nil
}

// hashSharedX writes into memory of its own: the caller may have gone when the token
// answers.
func (s session) hashSharedX(peer, first, second []byte) (*locked.Buffer, error) {
	if s.keys.importPublic == nil {
		return nil, ErrNoImport
	}
	hashes, err := locked.New(2 * digestLength)
	if err != nil {
		return nil, err
	}
	if err := s.direct.hashSharedX(s.handle, s.keys.importPrivate, peer, first, second, hashes.Bytes()); err != nil {
		hashes.Destroy()
		return nil, err
	}
	return hashes, nil
}
