package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Root is the public half of an organisation's root key. A signer's operator pins it:
// who names the root decides what the signer believes. The zero value is none and
// verifies nothing.
type Root struct {
	key [ed25519.PublicKeySize]byte // RFC 8032 §5.1.5
}

// IsZero tells whether r is none.
func (r Root) IsZero() bool { return r == Root{} }

// ParseRoot reads one PEM block with the SubjectPublicKeyInfo of an Ed25519 key
// (RFC 8410 §4), and nothing around it but blanks.
func ParseRoot(text []byte) (Root, error) {
	written := canonicalPEM(string(text))
	block, _ := pem.Decode([]byte(written))
	if block == nil || block.Type != "PUBLIC KEY" || !isCanonicalPEM(written) {
		return Root{}, errors.New("a root's public key is one PEM block (BEGIN PUBLIC KEY)")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Root{}, fmt.Errorf("reading a root's public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return Root{}, fmt.Errorf("a root's public key is an Ed25519 key, not %T", parsed)
	}
	return Root{[ed25519.PublicKeySize]byte(key)}, nil
}

// PEM returns the text that [ParseRoot] reads.
func (r Root) PEM() ([]byte, error) {
	der, err := r.spki()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Fingerprint is SHA-256 of the SubjectPublicKeyInfo (DER) in lower-case hex, for
// people to compare.
func (r Root) Fingerprint() string {
	der, err := r.spki()
	if err != nil {
		return "none"
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func (r Root) spki() ([]byte, error) {
	if r.IsZero() {
		return nil, errors.New("there is no root key")
	}
	return x509.MarshalPKIXPublicKey(ed25519.PublicKey(r.key[:]))
}

func (r Root) verify(message, signature []byte) bool {
	return !r.IsZero() && len(signature) == ed25519.SignatureSize && ed25519.Verify(r.key[:], message, signature)
}
