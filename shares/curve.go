package shares

import (
	"fmt"

	"keyferry/shares/locked"
)

// Curve is one of the supported curves. The zero Curve is none and is refused.
type Curve uint8

// The supported curves.
const (
	Secp256k1 Curve = iota + 1
	Stark
	Ed25519
)

// group is what each curve's file provides: its prime-order group, written
// additively, with base point G.
type group interface {
	name() string
	// order is the group's prime order, big-endian.
	order() [scalarSize]byte
	// parse and parseUncompressed accept the canonical encodings only, of points of
	// the group other than the identity.
	parse(compressed []byte) (element, error)
	parseUncompressed(encoded []byte) (element, error)
	// mulBase returns k·G for a secret k in [1, order). It runs inside locked.Do.
	mulBase(k *[scalarSize]byte) element
}

// group returns an error for the zero Curve, and for a number that is no curve.
func (c Curve) group() (group, error) {
	switch c {
	case Secp256k1:
		return secp256k1{}, nil
	case Stark:
		return stark{}, nil
	case Ed25519:
		return ed25519{}, nil
	}
	return nil, ErrCurve
}

// ParseCurve reads a curve's name, in exact case. Errors wrap [ErrCurve].
func ParseCurve(name string) (Curve, error) {
	for _, c := range []Curve{Secp256k1, Stark, Ed25519} {
		if c.Name() == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%w: %.32q", ErrCurve, name)
}

// Name returns secp256k1, stark or ed25519; empty for the zero Curve.
func (c Curve) Name() string {
	g, err := c.group()
	if err != nil {
		return ""
	}
	return g.name()
}

// String returns the name.
func (c Curve) String() string { return c.Name() }

// ParsePoint reads a public key: 33 bytes of compressed SEC1 (2.3.4), prefix 02 or
// 03, for secp256k1 and stark; 32 bytes of RFC 8032 §5.1.2 for ed25519. The point
// must be on the curve, canonically encoded, of the prime-order group, and not the
// identity. Variable-time; errors wrap [ErrPoint].
func (c Curve) ParsePoint(compressed []byte) (Point, error) {
	g, err := c.group()
	if err != nil {
		return Point{}, err
	}
	e, err := g.parse(compressed)
	if err != nil {
		return Point{}, fmt.Errorf("%w of %s: %w", ErrPoint, c, err)
	}
	return pointOf(c, e), nil
}

// ParseUncompressedPoint reads a point as import plaintexts carry it: 65 bytes of
// uncompressed SEC1, prefix 04, for secp256k1 and stark; the same 32 bytes as
// [Curve.ParsePoint] for ed25519. Variable-time; errors wrap [ErrPoint].
func (c Curve) ParseUncompressedPoint(encoded []byte) (Point, error) {
	g, err := c.group()
	if err != nil {
		return Point{}, err
	}
	e, err := g.parseUncompressed(encoded)
	if err != nil {
		return Point{}, fmt.Errorf("%w of %s: %w", ErrPoint, c, err)
	}
	return pointOf(c, e), nil
}

// CheckScalar accepts 32 bytes, big-endian, in [1, order). It is constant-time but
// for the answer. Errors wrap [ErrScalar] and say nothing of the value.
func (c Curve) CheckScalar(scalar []byte) error {
	g, err := c.group()
	if err != nil {
		return err
	}
	if len(scalar) != scalarSize {
		return fmt.Errorf("%w of %s: not 32 bytes", ErrScalar, c)
	}
	order := g.order()
	if !inRange((*[scalarSize]byte)(scalar), &order) {
		return fmt.Errorf("%w of %s: zero, or not below the group's order", ErrScalar, c)
	}
	return nil
}

// uncompressedSize is the length of [Point.Uncompressed].
func (c Curve) uncompressedSize() int {
	if c == Ed25519 {
		return 32
	}
	return 65
}

// scalarIn returns the valid scalar that a buffer holds.
func (c Curve) scalarIn(secret *locked.Buffer) (*[scalarSize]byte, error) {
	if secret == nil {
		return nil, fmt.Errorf("%w of %s: none given", ErrScalar, c)
	}
	if err := c.CheckScalar(secret.Bytes()); err != nil {
		return nil, err
	}
	return (*[scalarSize]byte)(secret.Bytes()), nil
}

// MulBase returns secret·G for a secret of 32 bytes in [1, order).
//
// On ed25519 it is constant-time. On secp256k1 and stark the libraries offer
// variable-time multiplication only; there the secret is split into two scalars,
// each by itself uniformly random and fresh in every call, so that the time of
// either multiplication is independent of the secret (see [splitMulBase]).
func (c Curve) MulBase(secret *locked.Buffer) (Point, error) {
	k, err := c.scalarIn(secret)
	if err != nil {
		return Point{}, err
	}
	g, err := c.group()
	if err != nil {
		return Point{}, err
	}
	var p Point
	locked.Do(func() { p = pointOf(c, g.mulBase(k)) })
	return p, nil
}
