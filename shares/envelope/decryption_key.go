package envelope

import (
	"crypto/cipher"
	"fmt"
	"log/slog"

	"keyferry/shares/locked"
)

// DecryptionKeySize is the length of a saved decryption key.
const DecryptionKeySize = 1 + scalarSize

// DecryptionKey is a recipient's private key, in locked memory. It prints as
// [secret]. It is not safe for concurrent use with Destroy.
type DecryptionKey struct {
	scalar *locked.Buffer
	public EncryptionKey
}

// GenerateDecryptionKey draws a key. The caller must Destroy it.
func GenerateDecryptionKey() (*DecryptionKey, error) {
	scalar, err := drawScalar()
	if err != nil {
		return nil, err
	}
	return newDecryptionKey(scalar)
}

// ParseDecryptionKey reads what Bytes writes: 33 bytes, a version 01 and a scalar,
// big-endian, in [1, order). Errors wrap [ErrKey] and say nothing of the value. The
// argument stays the caller's; the caller must Destroy the key.
func ParseDecryptionKey(saved *locked.Buffer) (*DecryptionKey, error) {
	if saved.Len() != DecryptionKeySize || saved.Bytes()[0] != version {
		return nil, fmt.Errorf("%w: decryption key is not a version 01 and 32 bytes", ErrKey)
	}
	scalar, err := locked.New(scalarSize)
	if err != nil {
		return nil, err
	}
	copy(scalar.Bytes(), saved.Bytes()[1:])
	return newDecryptionKey(scalar)
}

// newDecryptionKey keeps the scalar, or destroys it if it is not in range.
func newDecryptionKey(scalar *locked.Buffer) (*DecryptionKey, error) {
	key := &DecryptionKey{scalar: scalar}
	err := chosenAgreement().public((*[scalarSize]byte)(scalar.Bytes()), &key.public.point)
	if err != nil {
		scalar.Destroy()
		return nil, fmt.Errorf("decryption key: %w", err)
	}
	return key, nil
}

// EncryptionKey returns the public half.
func (k *DecryptionKey) EncryptionKey() EncryptionKey { return k.public }

// Bytes returns 33 bytes to be saved: 01 and the scalar. The caller must Destroy
// them.
func (k *DecryptionKey) Bytes() (*locked.Buffer, error) {
	if k.scalar.Len() != scalarSize {
		return nil, fmt.Errorf("%w: decryption key was destroyed", ErrKey)
	}
	b, err := locked.New(DecryptionKeySize)
	if err != nil {
		return nil, err
	}
	b.Bytes()[0] = version
	copy(b.Bytes()[1:], k.scalar.Bytes())
	return b, nil
}

// Open returns an envelope's plaintext, which the caller must Destroy. The ephemeral
// key must be 33 bytes, 02 or 03, on the curve. Whatever is wrong with an envelope,
// the error is [ErrOpen]; any other error means that there is no locked memory.
func (k *DecryptionKey) Open(envelope []byte) (*locked.Buffer, error) {
	return k.openWith(chosenAgreement(), envelope)
}

func (k *DecryptionKey) openWith(curve agreement, envelope []byte) (*locked.Buffer, error) {
	sealed, peer, err := dissect(envelope)
	if err != nil {
		return nil, err
	}
	if k.scalar.Len() != scalarSize {
		return nil, ErrOpen // destroyed
	}
	shared, err := locked.New(pointSize)
	if err != nil {
		return nil, err
	}
	defer shared.Destroy()
	if err := curve.share((*[scalarSize]byte)(k.scalar.Bytes()), peer, (*[pointSize]byte)(shared.Bytes())); err != nil {
		return nil, ErrOpen
	}
	return decrypt(sealed, func() (cipher.AEAD, error) { return aead(shared.Bytes()) })
}

// dissect returns an envelope's ciphertext with its tag, and what should be its
// ephemeral key: whoever computes with that checks it.
func dissect(envelope []byte) (sealed []byte, ephemeral *[pointSize]byte, err error) {
	if len(envelope) <= Overhead || len(envelope) > maxEnvelope {
		return nil, nil, ErrOpen
	}
	at := len(envelope) - pointSize
	return envelope[:at], (*[pointSize]byte)(envelope[at:]), nil
}

// decrypt tries each of the ciphers in turn on ciphertext and tag.
func decrypt(sealed []byte, ciphers ...func() (cipher.AEAD, error)) (*locked.Buffer, error) {
	plaintext, err := locked.New(len(sealed) - tagSize)
	if err != nil {
		return nil, err
	}
	opened := false
	locked.Do(func() {
		for _, derive := range ciphers {
			gcm, err := derive()
			if err != nil {
				return
			}
			if _, err := gcm.Open(plaintext.Bytes()[:0], nonce[:], sealed, nil); err == nil {
				opened = true
				return
			}
		}
	})
	if !opened {
		plaintext.Destroy()
		return nil, ErrOpen
	}
	return plaintext, nil
}

// Destroy wipes the key. It may be called more than once, and on nil.
func (k *DecryptionKey) Destroy() {
	if k != nil {
		k.scalar.Destroy()
	}
}

const redacted = "[secret]"

// Format implements [fmt.Formatter] for every verb.
func (k *DecryptionKey) Format(f fmt.State, _ rune) { f.Write([]byte(redacted)) }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses too.
func (k *DecryptionKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements [slog.LogValuer].
func (k *DecryptionKey) LogValue() slog.Value { return slog.StringValue(redacted) }
