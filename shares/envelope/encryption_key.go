package envelope

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// EncryptionKey is a recipient's public key: a point of secp256k1 other than the
// identity. Keys are comparable; the zero EncryptionKey is none, and its Seal
// refuses.
type EncryptionKey struct{ point [pointSize]byte }

// ParseEncryptionKey reads what String writes: canonical, padded standard base64
// (RFC 4648 §4) of 34 bytes, a version 01 and a compressed point. Anything else is
// refused, the identity and every other form of a point included. Errors wrap
// [ErrKey].
func ParseEncryptionKey(text string) (EncryptionKey, error) {
	encoded, err := base64.StdEncoding.DecodeString(text)
	// Comparing with the one spelling that String writes also refuses line breaks and
	// stray low bits, which the decoder lets pass.
	if err != nil || base64.StdEncoding.EncodeToString(encoded) != text {
		return EncryptionKey{}, fmt.Errorf("%w: encryption key is not padded standard base64", ErrKey)
	}
	if len(encoded) != encodedKeySize {
		return EncryptionKey{}, fmt.Errorf("%w: encryption key has %d bytes instead of %d", ErrKey, len(encoded), encodedKeySize)
	}
	if encoded[0] != version {
		return EncryptionKey{}, fmt.Errorf("%w: encryption key of version %d instead of %d", ErrKey, encoded[0], version)
	}
	return encryptionKeyOf(encoded[1:])
}

// NewEncryptionKey takes a point in SEC1 form: 33 bytes compressed, or 65 bytes
// uncompressed with prefix 04 as tokens give it. Errors wrap [ErrKey].
func NewEncryptionKey(sec1 []byte) (EncryptionKey, error) {
	if len(sec1) == 65 && sec1[0] == 0x04 {
		point, err := dcrd.ParsePubKey(sec1)
		if err != nil {
			return EncryptionKey{}, fmt.Errorf("%w: encryption key is not on secp256k1", ErrKey)
		}
		sec1 = point.SerializeCompressed()
	}
	return encryptionKeyOf(sec1)
}

func encryptionKeyOf(compressed []byte) (EncryptionKey, error) {
	if err := checkPoint(compressed); err != nil {
		return EncryptionKey{}, fmt.Errorf("%w: encryption key: %w", ErrKey, err)
	}
	return EncryptionKey{[pointSize]byte(compressed)}, nil
}

// Bytes returns 34 bytes: 01 and the compressed point.
func (k EncryptionKey) Bytes() []byte { return append([]byte{version}, k.point[:]...) }

// String returns Bytes in padded standard base64, as the API carries it.
func (k EncryptionKey) String() string { return base64.StdEncoding.EncodeToString(k.Bytes()) }

// Hash returns SHA-256 of Bytes.
func (k EncryptionKey) Hash() [sha256.Size]byte { return sha256.Sum256(k.Bytes()) }

// IsZero reports whether k is no key.
func (k EncryptionKey) IsZero() bool { return k == EncryptionKey{} }
