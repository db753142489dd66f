package useraction

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// PublicKey verifies the signatures of one credential.
type PublicKey struct {
	key crypto.PublicKey
}

// ErrPublicKey is wrapped by the errors of [ParsePublicKey].
var ErrPublicKey = errors.New("not a public key that credentials can have")

// ParsePublicKey reads a PEM block with a SubjectPublicKeyInfo (RFC 5280 §4.1) of an
// Ed25519 or a P-256 key, and nothing behind it.
func ParsePublicKey(text string) (PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" || block.Type != "PUBLIC KEY" {
		return PublicKey{}, fmt.Errorf("%w: expected one PEM block PUBLIC KEY", ErrPublicKey)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrPublicKey, err)
	}
	switch key := parsed.(type) {
	case ed25519.PublicKey:
		return PublicKey{key}, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return PublicKey{key}, nil
		}
		return PublicKey{}, fmt.Errorf("%w: curve %s", ErrPublicKey, key.Params().Name)
	}
	return PublicKey{}, fmt.Errorf("%w: %T", ErrPublicKey, parsed)
}

// Verify tells whether signature is the key's over message, in the form that every
// official client sends: 64 raw bytes for Ed25519 (RFC 8032 §5.1.6); ASN.1 DER over
// SHA-256 for ECDSA, where a high s is accepted, since clients do not normalise.
func (k PublicKey) Verify(message, signature []byte) bool {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(key, digest[:], signature)
	}
	return false
}
