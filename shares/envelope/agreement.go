package envelope

import (
	"errors"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// agreement is the envelope's work on secp256k1. Scalars are 32 bytes, big-endian,
// points 33 bytes, SEC1 compressed. Scalars and shared points are secret and lie in
// locked memory of the caller. The methods are called outside of locked.Do, which
// is theirs to enter: an implementation in C must not.
type agreement interface {
	// public writes scalar·G. A scalar outside [1, order) is an error that wraps
	// ErrKey.
	public(scalar *[scalarSize]byte, key *[pointSize]byte) error
	// shareOnce writes scalar·peer for a scalar that is never used again. The scalar
	// is in range, the peer an accepted encryption or ephemeral key.
	shareOnce(scalar *[scalarSize]byte, peer *[pointSize]byte, shared *[pointSize]byte) error
	// share does the same for a long-lived scalar and peers that others choose: its
	// time must not tell the scalar.
	share(scalar *[scalarSize]byte, peer *[pointSize]byte, shared *[pointSize]byte) error
}

// chosenAgreement is what Seal and Open use.
func chosenAgreement() agreement { return dcrdAgreement{} }

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
