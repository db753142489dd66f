package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"keyferry/shares/locked"
)

// The text of a root key has one shape only (RFC 7468 §10 around RFC 8410 §7): these
// two lines, and between them one line of 64 letters, which is the base64 of the 48
// bytes derPrefix || seed. So it is read and written in place, in locked memory.
const (
	rootBegin = "-----BEGIN PRIVATE KEY-----\n"
	rootEnd   = "\n-----END PRIVATE KEY-----\n"
	rootLine  = 64

	// derPrefix is a PKCS#8 structure of version 0 for Ed25519, up to its 32 bytes.
	derPrefix = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"
)

// ErrRootKey says that a text is not a root key.
var ErrRootKey = errors.New("not a root key: expected the PEM text of one Ed25519 private key, PKCS#8, unencrypted")

// RootKey is an organisation's private key, which signs its trust documents. It
// belongs on a machine without a network. It is not safe for concurrent use.
type RootKey struct {
	seed   *locked.Buffer // 32 bytes (RFC 8032 §5.1.5)
	public Root
}

// NewRootKey makes a root key. The caller must Destroy it.
func NewRootKey() (*RootKey, error) {
	seed, err := locked.New(ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("making root key: %w", err)
	}
	rand.Read(seed.Bytes())
	return rootKeyOf(seed), nil
}

// ParseRootKey reads a root key as PEM writes it; openssl genpkey -algorithm ed25519
// writes the same. The caller must Destroy it; the text stays the caller's.
func ParseRootKey(text *locked.Buffer) (*RootKey, error) {
	line, ok := rootText(text)
	if !ok {
		return nil, ErrRootKey
	}
	der, err := locked.New(base64.StdEncoding.DecodedLen(rootLine))
	if err != nil {
		return nil, fmt.Errorf("reading root key: %w", err)
	}
	defer der.Destroy()
	var n int
	var decoding error
	locked.Do(func() { n, decoding = base64.StdEncoding.Strict().Decode(der.Bytes(), line) })
	if decoding != nil || n != der.Len() || string(der.Bytes()[:len(derPrefix)]) != derPrefix {
		return nil, ErrRootKey // the decoder's error could tell letters of the key
	}
	seed, err := locked.New(ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("reading root key: %w", err)
	}
	copy(seed.Bytes(), der.Bytes()[len(derPrefix):])
	return rootKeyOf(seed), nil
}

// rootText returns the line between the two lines of PEM.
func rootText(text *locked.Buffer) ([]byte, bool) {
	b := text.Bytes()
	if len(b) != len(rootBegin)+rootLine+len(rootEnd) {
		return nil, false
	}
	begin, line, end := b[:len(rootBegin)], b[len(rootBegin):len(rootBegin)+rootLine], b[len(rootBegin)+rootLine:]
	return line, string(begin) == rootBegin && string(end) == rootEnd
}

// rootKeyOf takes the seed over.
func rootKeyOf(seed *locked.Buffer) *RootKey {
	k := &RootKey{seed: seed}
	locked.Do(func() {
		private := ed25519.NewKeyFromSeed(seed.Bytes())
		copy(k.public.key[:], private[ed25519.SeedSize:])
		clear(private)
	})
	return k
}

// PEM returns the key's text, 119 bytes. The caller must Destroy it.
func (k *RootKey) PEM() (*locked.Buffer, error) {
	der, err := locked.New(len(derPrefix) + ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("writing root key: %w", err)
	}
	defer der.Destroy()
	copy(der.Bytes()[copy(der.Bytes(), derPrefix):], k.seed.Bytes())
	text, err := locked.New(len(rootBegin) + rootLine + len(rootEnd))
	if err != nil {
		return nil, fmt.Errorf("writing root key: %w", err)
	}
	b := text.Bytes()
	copy(b, rootBegin)
	locked.Do(func() { base64.StdEncoding.Encode(b[len(rootBegin):], der.Bytes()) })
	copy(b[len(rootBegin)+rootLine:], rootEnd)
	return text, nil
}

// Public is the half that signers pin.
func (k *RootKey) Public() Root { return k.public }

// Destroy wipes the key. It may be called more than once.
func (k *RootKey) Destroy() { k.seed.Destroy() }

// sign returns the 64 bytes of RFC 8032 §5.1.6, in constant time.
func (k *RootKey) sign(message []byte) []byte {
	signature := make([]byte, ed25519.SignatureSize)
	locked.Do(func() {
		private := ed25519.NewKeyFromSeed(k.seed.Bytes())
		copy(signature, ed25519.Sign(private, message))
		clear(private)
	})
	return signature
}

// String keeps the key out of logs.
func (k *RootKey) String() string { return "root key " + k.public.Fingerprint() }
