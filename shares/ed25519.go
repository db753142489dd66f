package shares

import (
	"bytes"
	"errors"
	"math/big"
	"slices"

	"filippo.io/edwards25519"
)

// ed25519 is the prime-order subgroup of edwards25519 (RFC 8032 §5.1), by
// filippo.io/edwards25519, which is constant-time throughout. Scalars are
// little-endian there and big-endian everywhere else in this package: they are
// turned around here and nowhere else.
type ed25519 struct{}

func (ed25519) name() string { return "ed25519" }

func (ed25519) order() [scalarSize]byte {
	return [scalarSize]byte{
		0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
	}
}

// parse goes beyond RFC 8032 §5.1.3: a point with a component of small order would
// be one key to some verifiers and another to others, and is refused.
func (ed25519) parse(encoded []byte) (element, error) {
	p, err := new(edwards25519.Point).SetBytes(encoded)
	if err != nil {
		return nil, errors.New("not 32 bytes, or not on the curve")
	}
	if !bytes.Equal(p.Bytes(), encoded) {
		return nil, errors.New("not canonical")
	}
	e := ed25519Element{p}
	if e.isIdentity() {
		return nil, errors.New("identity")
	}
	if !e.isTorsionFree() {
		return nil, errors.New("not in the prime-order group")
	}
	return e, nil
}

func (g ed25519) parseUncompressed(encoded []byte) (element, error) { return g.parse(encoded) }

func (ed25519) mulBase(k *[scalarSize]byte) element {
	return ed25519Element{new(edwards25519.Point).ScalarBaseMult(ed25519Scalar(*k))}
}

// ed25519Scalar takes a scalar below the order, big-endian.
func ed25519Scalar(k [scalarSize]byte) *edwards25519.Scalar {
	slices.Reverse(k[:])
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(k[:])
	if err != nil {
		panic("shares: a scalar that was checked is not below the order")
	}
	return s
}

type ed25519Element struct{ point *edwards25519.Point }

// isTorsionFree reports order·P = 0, computed as (order−1)·P = −P because scalars
// are reduced.
func (e ed25519Element) isTorsionFree() bool {
	one := ed25519Scalar([scalarSize]byte{scalarSize - 1: 1})
	minusOne := edwards25519.NewScalar().Negate(one)
	q := new(edwards25519.Point).ScalarMult(minusOne, e.point)
	return q.Equal(new(edwards25519.Point).Negate(e.point)) == 1
}

func (e ed25519Element) plus(other element) element {
	return ed25519Element{new(edwards25519.Point).Add(e.point, other.(ed25519Element).point)}
}

func (e ed25519Element) negated() element {
	return ed25519Element{new(edwards25519.Point).Negate(e.point)}
}

func (e ed25519Element) times(k *big.Int) element {
	var scalar [scalarSize]byte
	k.FillBytes(scalar[:])
	return ed25519Element{new(edwards25519.Point).ScalarMult(ed25519Scalar(scalar), e.point)}
}

func (e ed25519Element) isIdentity() bool {
	return e.point.Equal(edwards25519.NewIdentityPoint()) == 1
}

func (e ed25519Element) encode() (compressed, uncompressed []byte) {
	return e.point.Bytes(), e.point.Bytes()
}
