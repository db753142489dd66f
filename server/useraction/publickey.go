package useraction

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	dcrdecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"keyferry/server/identity"
)

// The sizes of RSA keys: what is smaller is weak, what is larger only slow.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// PublicKey verifies the signatures of one credential.
type PublicKey struct {
	key crypto.PublicKey
}

// ErrPublicKey is wrapped by the errors of [ParsePublicKey].
var ErrPublicKey = errors.New("not a public key that credentials can have")

// ParsePublicKey reads one PEM block and nothing behind it: a SubjectPublicKeyInfo
// (RFC 5280 §4.1) of an Ed25519, P-256, P-384, P-521, secp256k1 or RSA key, or an
// RSAPublicKey (RFC 8017 §A.1.1).
func ParsePublicKey(text string) (PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return PublicKey{}, fmt.Errorf("%w: expected one PEM block", ErrPublicKey)
	}
	key, err := parseBlock(block)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrPublicKey, err)
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return PublicKey{}, fmt.Errorf("%w: curve %s", ErrPublicKey, key.Params().Name)
		}
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return PublicKey{}, fmt.Errorf("%w: RSA of %d bits, not %d to %d", ErrPublicKey, bits, minRSABits, maxRSABits)
		}
	case ed25519.PublicKey, *secp256k1.PublicKey:
	default:
		return PublicKey{}, fmt.Errorf("%w: %T", ErrPublicKey, key)
	}
	return PublicKey{key}, nil
}

func parseBlock(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		if key, err := parseSecp256k1(block.Bytes); key != nil || err != nil {
			return key, err
		}
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	}
	return nil, fmt.Errorf("a PEM block %q", block.Type)
}

var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1} // RFC 5480 §2.1.1
	oidSecp256k1   = asn1.ObjectIdentifier{1, 3, 132, 0, 10}       // SEC 2 §A.2.1
)

// parseSecp256k1 reads a SubjectPublicKeyInfo of secp256k1, which crypto/x509 does
// not know. It returns nil for those of other algorithms.
func parseSecp256k1(der []byte) (*secp256k1.PublicKey, error) {
	var info struct {
		Algorithm struct {
			Algorithm asn1.ObjectIdentifier
			Curve     asn1.ObjectIdentifier `asn1:"optional"`
		}
		Key asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &info)
	if err != nil || !info.Algorithm.Algorithm.Equal(oidECPublicKey) || !info.Algorithm.Curve.Equal(oidSecp256k1) {
		return nil, nil
	}
	if len(rest) > 0 || info.Key.BitLength%8 != 0 {
		return nil, errors.New("malformed secp256k1 key")
	}
	return secp256k1.ParsePubKey(info.Key.Bytes)
}

// CheckKind refuses keys that no credential of the kind can have: the kind must be
// known, and an authenticator's signature must be one that [PublicKey.Verify] takes.
// WebAuthn signs with P-384 and P-521 over other hashes (RFC 9053 §2.1).
func (k PublicKey) CheckKind(kind identity.CredentialKind) error {
	if !slices.Contains(identity.CredentialKinds(), kind) {
		return fmt.Errorf("%w: there is no kind %.32q of credentials", ErrPublicKey, kind)
	}
	key, isECDSA := k.key.(*ecdsa.PublicKey)
	if kind == identity.Fido2Credential && isECDSA && key.Curve != elliptic.P256() {
		return fmt.Errorf("%w: %s keys of authenticators are not supported", ErrPublicKey, key.Params().Name)
	}
	return nil
}

// Canonical returns what is the same for every spelling of the key, and for no other key.
// RSA keys have two forms, points of secp256k1 three, and readers of DER pass over what is
// appended to a sequence.
func (k PublicKey) Canonical() (string, error) {
	if key, ok := k.key.(*secp256k1.PublicKey); ok {
		return "secp256k1 " + string(key.SerializeCompressed()), nil
	}
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPublicKey, err)
	}
	return string(der), nil
}

// Verify tells whether signature is the key's over message, in the form that every
// official client sends: 64 raw bytes for Ed25519 (RFC 8032 §5.1.6); ASN.1 DER over
// SHA-256 for ECDSA on every curve, where a high s is accepted, since clients do not
// normalise; PKCS#1 v1.5 over SHA-256 for RSA (RFC 8017 §8.2).
func (k PublicKey) Verify(message, signature []byte) bool {
	digest := sha256.Sum256(message)
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case *secp256k1.PublicKey:
		parsed, err := dcrdecdsa.ParseDERSignature(signature)
		return err == nil && parsed.Verify(digest[:], key)
	}
	return false
}
