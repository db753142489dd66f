package remote

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
)

// Pin names a public key: SHA-256 of its SubjectPublicKeyInfo (DER). For a signer that
// has its first identity key still, it is the signer's id.
type Pin [sha256.Size]byte

// PinOf returns the pin of a public key that x509 knows.
func PinOf(key any) (Pin, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return Pin{}, fmt.Errorf("encoding a public key: %w", err)
	}
	return sha256.Sum256(spki), nil
}

// ParsePin reads padded standard base64 of 32 bytes, in its one canonical spelling.
func ParsePin(text string) (Pin, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) != len(Pin{}) || base64.StdEncoding.EncodeToString(decoded) != text {
		return Pin{}, errors.New("a public key's pin is the base64 of 32 bytes, the SHA-256 of its SubjectPublicKeyInfo")
	}
	return Pin(decoded), nil
}

// String returns padded standard base64.
func (p Pin) String() string { return base64.StdEncoding.EncodeToString(p[:]) }
