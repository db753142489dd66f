package envelope

import (
	"fmt"

	"keyferry/shares/locked"
)

// Seal makes an envelope for the key's owner. The plaintext is encrypted where it
// stands and must have room for [Overhead] more bytes; it is used up: whether Seal
// succeeds or not, the buffer is wiped and empty afterwards. Errors wrap [ErrKey]
// or [ErrSeal], or say that there is no locked memory.
func (k EncryptionKey) Seal(plaintext *locked.Buffer) ([]byte, error) {
	defer plaintext.Resize(0)
	ephemeral, err := drawScalar()
	if err != nil {
		return nil, err
	}
	defer ephemeral.Destroy()
	return k.sealWith(chosenAgreement(), ephemeral, plaintext)
}

// sealWith seals under a given ephemeral scalar, which must never be used again: with
// the fixed nonce, a second message would give both away.
func (k EncryptionKey) sealWith(curve agreement, ephemeral, plaintext *locked.Buffer) ([]byte, error) {
	if k.IsZero() {
		return nil, fmt.Errorf("sealing: %w: no encryption key", ErrKey)
	}
	length := plaintext.Len()
	if length == 0 || length > maxPlaintext || plaintext.Cap() < length+Overhead {
		return nil, fmt.Errorf("sealing %d bytes in a buffer of %d: %w", length, plaintext.Cap(), ErrSeal)
	}
	shared, err := locked.New(pointSize)
	if err != nil {
		return nil, err
	}
	defer shared.Destroy()
	var public [pointSize]byte
	if err := curve.ephemeral((*[scalarSize]byte)(ephemeral.Bytes()), &k.point, &public, (*[pointSize]byte)(shared.Bytes())); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	plaintext.Resize(length + Overhead)
	if err := encryptInPlace(plaintext.Bytes(), length, shared.Bytes()); err != nil {
		return nil, err
	}
	sealed := make([]byte, 0, length+Overhead)
	return append(append(sealed, plaintext.Bytes()[:length+tagSize]...), public[:]...), nil
}

// encryptInPlace turns the first length bytes into ciphertext and tag.
func encryptInPlace(buffer []byte, length int, sharedPoint []byte) (err error) {
	locked.Do(func() {
		gcm, aeadErr := aead(sharedPoint)
		if aeadErr != nil {
			err = fmt.Errorf("sealing: %w", aeadErr)
			return
		}
		gcm.Seal(buffer[:0], nonce[:], buffer[:length], nil)
	})
	return err
}
