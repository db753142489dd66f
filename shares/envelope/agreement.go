package envelope

import (
	"crypto/rand"
	"errors"
	"fmt"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/shares/locked"
)

// agreement is the envelope's work on secp256k1. Scalars are 32 bytes, big-endian,
// in [1, order); points 33 bytes, SEC1 compressed. Scalars and shared points are
// secret and lie in locked memory of the caller. A scalar out of range is errScalar,
// a peer that is no such point errPeer.
//
// The methods are called outside of locked.Do, which is theirs to enter: an
// implementation in C must not. They are safe for concurrent use.
type agreement interface {
	// public writes scalar·G.
	public(scalar *[scalarSize]byte, key *[pointSize]byte) error
	// ephemeral writes scalar·G and scalar·peer, for a scalar that is never used
	// again.
	ephemeral(scalar *[scalarSize]byte, peer, key, shared *[pointSize]byte) error
	// share writes scalar·peer for a long-lived scalar and peers that others choose:
	// its time must not tell the scalar.
	share(scalar *[scalarSize]byte, peer, shared *[pointSize]byte) error
}

var (
	errScalar = fmt.Errorf("%w: scalar is zero, or not below the group's order", ErrKey)
	errPeer   = fmt.Errorf("%w: not a compressed point of secp256k1", ErrKey)
)

// drawScalar returns 32 random bytes, which the caller must Destroy. With a chance of
// about 2⁻¹²⁸ they are out of range, and the agreement refuses them. That will not
// happen, so nobody draws again.
func drawScalar() (*locked.Buffer, error) {
	scalar, err := locked.New(scalarSize)
	if err != nil {
		return nil, err
	}
	rand.Read(scalar.Bytes()) // never fails: crypto/rand ends the program instead
	return scalar, nil
}

// checkPoint accepts 33 bytes with prefix 02 or 03 of a point on the curve. The
// identity, which SEC1 encodes otherwise, is thereby refused: with it as a key, the
// AES key would be known to everybody.
func checkPoint(encoded []byte) error {
	if len(encoded) != pointSize {
		return errors.New("not 33 bytes")
	}
	if _, err := dcrd.ParsePubKey(encoded); err != nil {
		return errors.New("not a compressed point of secp256k1")
	}
	return nil
}
