//go:build cgo

package hsm

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"

	"keyferry/shares/locked"
)

// A sealed share is version || iv || ciphertext || tag: 1, 12, n and 16 bytes, AES-256-GCM
// (NIST SP 800-38D) under the token's share-wrapping key.
const (
	blobVersion  = 0x01
	blobHeader   = 1 + ivLength
	blobOverhead = blobHeader + tagLength

	// maxShare is far above any share plaintext and far below any limit of a module.
	maxShare = 64 << 10
)

// SealShare seals 1 to 65536 bytes in the token and returns a blob that is 29 bytes
// longer. aad binds the blob to its place: OpenShare needs the same.
//
// The nonce is random, or the token's own where it makes one. Random nonces of 96 bits
// are safe for 2^32 shares under one key (SP 800-38D §8.3).
func (t *Token) SealShare(ctx context.Context, plaintext *locked.Buffer, aad []byte) ([]byte, error) {
	if n := plaintext.Len(); n == 0 || n > maxShare {
		return nil, fmt.Errorf("sealing a share: %d bytes are not between 1 and %d", n, maxShare)
	}
	// The caller may wipe his own while the library still reads.
	own, err := locked.New(plaintext.Len())
	if err != nil {
		return nil, err
	}
	locked.Do(func() { copy(own.Bytes(), plaintext.Bytes()) })
	return run(ctx, t, job[[]byte]{
		op:    opSeal,
		work:  withKeys(t, func(s session) ([]byte, error) { return s.seal(own.Bytes(), aad) }),
		after: own.Destroy,
	})
}

// OpenShare opens a blob of SealShare. The plaintext comes in locked memory that has room
// spare bytes behind it, so that the caller can seal it again where it stands; the
// caller must Destroy it.
//
// [ErrBlob] says that blob and aad do not belong together on this token, and that the
// token itself works.
func (t *Token) OpenShare(ctx context.Context, blob, aad []byte, room int) (*locked.Buffer, error) {
	length := len(blob) - blobOverhead
	if length < 1 || length > maxShare || blob[0] != blobVersion {
		return nil, t.failed(opOpen, ErrBlob)
	}
	if room < 0 {
		return nil, fmt.Errorf("opening a share: room for %d bytes", room)
	}
	return run(ctx, t, job[*locked.Buffer]{
		op:      opOpen,
		work:    withKeys(t, func(s session) (*locked.Buffer, error) { return s.openShare(blob, aad, room) }),
		discard: (*locked.Buffer).Destroy,
	})
}

// openShare opens a blob of a possible length.
func (s session) openShare(blob, aad []byte, room int) (*locked.Buffer, error) {
	length := len(blob) - blobOverhead
	// The token writes into as many bytes as the ciphertext with its tag has.
	plaintext, err := locked.NewWithCapacity(length+tagLength, length+max(room, tagLength))
	if err != nil {
		return nil, err
	}
	if err := s.openOrBlame(blob, aad, plaintext.Bytes()); err != nil {
		plaintext.Destroy()
		return nil, err
	}
	plaintext.Resize(length)
	return plaintext, nil
}

func (s session) seal(plaintext, aad []byte) ([]byte, error) {
	blob := make([]byte, len(plaintext)+blobOverhead)
	blob[0] = blobVersion
	iv := blob[1:blobHeader]
	rand.Read(iv)
	if err := s.direct.seal(s.handle, s.keys.shareWrapping, iv, aad, plaintext, blob[blobHeader:]); err != nil {
		return nil, err
	}
	return blob, nil
}

func (s session) open(blob, aad, out []byte) error {
	return s.direct.open(s.handle, s.keys.shareWrapping, blob[1:blobHeader], aad, blob[blobHeader:], out)
}

// openOrBlame tells a bad blob from a bad token. Where the token's answer leaves that
// open, the token has to seal and open a known text. If it can, it gets a second chance
// with the blob, and then the blob is to blame.
func (s session) openOrBlame(blob, aad, out []byte) error {
	err := s.open(blob, aad, out)
	if s.mayBeBadTag(err) {
		if broken := s.knownAnswer(); broken != nil {
			return broken
		}
		if err = s.open(blob, aad, out); s.mayBeBadTag(err) {
			return ErrBlob
		}
	}
	if badTag(err) {
		return ErrBlob
	}
	return err
}

// knownAnswer seals a text that is no secret and opens it again. It also finds a token
// that makes nonces of its own and does not say which.
func (s session) knownAnswer() error {
	if s.keys == nil {
		return ErrNotInitialised
	}
	text, place := []byte("keyferry self-test, not a share"), []byte("keyferry self-test v1")
	blob, err := s.seal(text, place)
	if err != nil {
		return explain("self-test: sealing", err)
	}
	out := make([]byte, len(text)+tagLength)
	if err := s.open(blob, place, out); err != nil {
		return explain("self-test: opening", err)
	}
	if !bytes.Equal(out[:len(text)], text) {
		return fmt.Errorf("self-test: opened to something else than was sealed: %w", errImpossible)
	}
	return nil
}
