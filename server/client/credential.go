package client

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Credential is a registered key pair of the caller's, which signs user actions. It
// prints without its key.
type Credential struct {
	id  string
	key crypto.Signer // Ed25519 or P-256
}

// ParseCredential reads the private key of the credential with this id: one PEM block
// of PKCS#8 (RFC 5958), with an Ed25519 or a P-256 key.
func ParseCredential(id string, privateKey []byte) (*Credential, error) {
	if id == "" {
		return nil, errors.New("the credential has no id")
	}
	block, _ := pem.Decode(privateKey)
	if block == nil {
		return nil, errors.New("the credential's private key is not PEM")
	}
	// The parser's errors are not passed on, since they may quote the key.
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the credential's private key is not PKCS#8 (BEGIN PRIVATE KEY)")
	}
	switch key := parsed.(type) {
	case ed25519.PrivateKey:
		return &Credential{id, key}, nil
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return &Credential{id, key}, nil
		}
	}
	return nil, errors.New("the credential's private key is neither Ed25519 nor P-256")
}

// ID returns the id under which the public half is registered.
func (c *Credential) ID() string { return c.id }

// Format implements [fmt.Formatter] for every verb.
func (c *Credential) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "credential %s", c.id) }

// sign returns 64 raw bytes for Ed25519 (RFC 8032 §5.1.6), and ASN.1 DER over SHA-256
// for P-256.
func (c *Credential) sign(message []byte) ([]byte, error) {
	if _, ok := c.key.(ed25519.PrivateKey); ok {
		return c.key.Sign(nil, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	return c.key.Sign(rand.Reader, digest[:], crypto.SHA256)
}
