package shares

import (
	"encoding/hex"
	"math/big"
)

// element is an element of a curve's group, the identity included. Elements are
// public and their methods variable-time.
type element interface {
	plus(element) element
	negated() element
	// times takes a public factor in [0, order).
	times(*big.Int) element
	isIdentity() bool
	// encode is not for the identity. The two are equal on ed25519.
	encode() (compressed, uncompressed []byte)
}

// Point is a point of a curve's prime-order group other than the identity: a
// public key or a public share. Points are immutable and comparable with ==. The
// zero Point is none and is refused.
type Point struct {
	curve                    Curve
	compressed, uncompressed string
}

func pointOf(curve Curve, e element) Point {
	compressed, uncompressed := e.encode()
	return Point{curve, string(compressed), string(uncompressed)}
}

// element decodes again what an earlier parse or computation found valid.
func (p Point) element() (element, error) {
	g, err := p.curve.group()
	if err != nil {
		return nil, err
	}
	return g.parseUncompressed([]byte(p.uncompressed))
}

// Curve returns the point's curve.
func (p Point) Curve() Curve { return p.curve }

// Bytes returns the form that [Curve.ParsePoint] reads: 33 bytes, or 32 for
// ed25519.
func (p Point) Bytes() []byte { return []byte(p.compressed) }

// Uncompressed returns the form that [Curve.ParseUncompressedPoint] reads: 65
// bytes, or 32 for ed25519.
func (p Point) Uncompressed() []byte { return []byte(p.uncompressed) }

// Hex returns Bytes in lower-case hex, as the API writes public keys.
func (p Point) Hex() string { return hex.EncodeToString([]byte(p.compressed)) }

// String returns the same as Hex.
func (p Point) String() string { return p.Hex() }

// Equal reports whether two points are the same point of the same curve.
func (p Point) Equal(q Point) bool { return p == q }

// IsZero reports whether p is no point at all.
func (p Point) IsZero() bool { return p == Point{} }
