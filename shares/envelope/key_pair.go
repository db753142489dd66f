package envelope

import (
	"crypto/rand"
	"errors"
	"fmt"

	"keyferry/shares/locked"
)

// keyPair is a scalar, in locked memory, and its point.
type keyPair struct {
	scalar *locked.Buffer
	public [pointSize]byte
}

// drawKeyPair's caller must Destroy the scalar.
func drawKeyPair(curve agreement) (keyPair, error) {
	scalar, err := locked.New(scalarSize)
	if err != nil {
		return keyPair{}, err
	}
	pair := keyPair{scalar: scalar}
	for {
		rand.Read(scalar.Bytes()) // never fails: crypto/rand ends the program instead
		err := curve.public((*[scalarSize]byte)(scalar.Bytes()), &pair.public)
		// Out of range with a chance of about 2⁻¹²⁸; drawing again keeps it uniform.
		if errors.Is(err, ErrKey) {
			continue
		}
		if err != nil {
			scalar.Destroy()
			return keyPair{}, fmt.Errorf("drawing a key pair: %w", err)
		}
		return pair, nil
	}
}
