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
// (NIST SP 800-38D) under one of the token's share-wrapping keys. Which one, a blob does
// not say: whoever stores it does.
const (
	blobVersion  = 0x01
	blobHeader   = 1 + ivLength
	blobOverhead = blobHeader + tagLength

	// maxShare is far above any share plaintext and far below any limit of a module.
	maxShare = 64 << 10
)

// SealShare seals 1 to 65536 bytes in the token under the key and returns a blob that is
// 29 bytes longer. aad binds the blob to its place: OpenShare needs the same.
// [ErrNoWrappingKey] says that the token does not have the key.
//
// The nonce is random, or the token's own where it makes one. Random nonces of 96 bits
// are safe for 2^32 shares under one key (SP 800-38D §8.3).
func (t *Token) SealShare(ctx context.Context, key WrappingKey, plaintext *locked.Buffer, aad []byte) ([]byte, error) {
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
		work:  withWrappingKey(t, key, func(s session) ([]byte, error) { return s.seal(key, own.Bytes(), aad) }),
		after: own.Destroy,
	})
}

// OpenShare opens a blob of SealShare, with the key that it was sealed under. The plaintext
// comes in locked memory that has room spare bytes behind it, so that the caller can seal it
// again where it stands; the caller must Destroy it.
//
// [ErrBlob] says that blob, key and aad do not belong together on this token, and that
// the token itself works; [ErrNoWrappingKey], that the token does not have the key.
func (t *Token) OpenShare(ctx context.Context, key WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error) {
	length := len(blob) - blobOverhead
	if length < 1 || length > maxShare || blob[0] != blobVersion {
		return nil, t.failed(opOpen, ErrBlob)
	}
	if room < 0 {
		return nil, fmt.Errorf("opening a share: room for %d bytes", room)
	}
	return run(ctx, t, job[*locked.Buffer]{
		op: opOpen,
		work: withWrappingKey(t, key, func(s session) (*locked.Buffer, error) {
			return s.openShare(key, blob, aad, room)
		}),
		discard: (*locked.Buffer).Destroy,
	})
}

// openShare opens a blob of a possible length.
func (s session) openShare(key WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error) {
	length := len(blob) - blobOverhead
	// The token writes into as many bytes as the ciphertext with its tag has.
	plaintext, err := locked.NewWithCapacity(length+tagLength, length+max(room, tagLength))
	if err != nil {
		return nil, err
	}
	if err := s.openOrBlame(key, blob, aad, plaintext.Bytes()); err != nil {
		plaintext.Destroy()
		return nil, err
	}
	plaintext.Resize(length)
	return plaintext, nil
}

func (s session) seal(key WrappingKey, plaintext, aad []byte) ([]byte, error) {
	blob := make([]byte, len(plaintext)+blobOverhead)
	blob[0] = blobVersion
	iv := blob[1:blobHeader]
	rand.Read(iv)
	if err := s.direct.seal(s.handle, s.keys.wrapping[key], iv, aad, plaintext, blob[blobHeader:]); err != nil {
		return nil, err
	}
	return blob, nil
}

func (s session) open(key WrappingKey, blob, aad, out []byte) error {
	return s.direct.open(s.handle, s.keys.wrapping[key], blob[1:blobHeader], aad, blob[blobHeader:], out)
}

// openOrBlame tells a bad blob from a bad token. Where the token's answer leaves that
// open, the token has to seal and open a known text. If it can, it gets a second chance
// with the blob, and then the blob is to blame.
func (s session) openOrBlame(key WrappingKey, blob, aad, out []byte) error {
	err := s.open(key, blob, aad, out)
	if s.mayBeBadTag(err) {
		if broken := s.knownAnswer(key); broken != nil {
			return broken
		}
		if err = s.open(key, blob, aad, out); s.mayBeBadTag(err) {
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
func (s session) knownAnswer(key WrappingKey) error {
	text, place := []byte("keyferry self-test, not a share"), []byte("keyferry self-test v1")
	blob, err := s.seal(key, text, place)
	if err != nil {
		return explain("self-test: sealing", err)
	}
	out := make([]byte, len(text)+tagLength)
	if err := s.open(key, blob, place, out); err != nil {
		return explain("self-test: opening", err)
	}
	if !bytes.Equal(out[:len(text)], text) {
		return fmt.Errorf("self-test: opened to something else than was sealed: %w", errImpossible)
	}
	return nil
}
