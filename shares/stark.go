package shares

import (
	"errors"
	"math/big"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

// stark is the STARK-friendly curve y² = x³ + x + b over the integers modulo
// 2²⁵¹ + 17·2¹⁹² + 1, by gnark-crypto. Its order is prime: every point of the curve
// but the identity is acceptable. Points are encoded as SEC1 §2.3.3 does, with
// 32-byte coordinates.
//
// Nothing in gnark-crypto is constant-time: not its field elements, and its scalars
// are big.Int, handled digit by digit. It works on public values here, but for
// mulBase, which splits its secret.
type stark struct{}

func (stark) name() string { return "stark" }

func (stark) order() [scalarSize]byte {
	return [scalarSize]byte{
		0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xb7, 0x81, 0x12, 0x6d, 0xca, 0xe7, 0xb2, 0x32, 0x1e, 0x66, 0xa2, 0x41, 0xad, 0xc6, 0x4d, 0x2f,
	}
}

func (stark) parse(compressed []byte) (element, error) {
	if len(compressed) != 33 || compressed[0]&^1 != 0x02 {
		return nil, errors.New("not 33 bytes with prefix 02 or 03")
	}
	var p starkcurve.G1Affine
	if err := p.X.SetBytesCanonical(compressed[1:]); err != nil {
		return nil, errors.New("coordinate not below the field's prime")
	}
	a, b := starkcurve.CurveCoefficients()
	var square fp.Element
	square.Square(&p.X).Add(&square, &a).Mul(&square, &p.X).Add(&square, &b)
	if p.Y.Sqrt(&square) == nil {
		return nil, errors.New("not on the curve")
	}
	if isOdd(&p.Y) != (compressed[0] == 0x03) {
		p.Y.Neg(&p.Y)
	}
	return starkElementOf(&p)
}

func (stark) parseUncompressed(encoded []byte) (element, error) {
	if len(encoded) != 65 || encoded[0] != 0x04 {
		return nil, errors.New("not 65 bytes with prefix 04")
	}
	var p starkcurve.G1Affine
	if p.X.SetBytesCanonical(encoded[1:33]) != nil || p.Y.SetBytesCanonical(encoded[33:]) != nil {
		return nil, errors.New("coordinate not below the field's prime")
	}
	return starkElementOf(&p)
}

// starkElementOf refuses (0, 0) by itself: gnark-crypto takes it for the identity,
// and its IsOnCurve for a point.
func starkElementOf(p *starkcurve.G1Affine) (element, error) {
	if p.IsInfinity() || !p.IsOnCurve() {
		return nil, errors.New("not on the curve")
	}
	var e starkElement
	e.point.FromAffine(p)
	return e, nil
}

func (g stark) mulBase(k *[scalarSize]byte) element {
	return splitMulBase(g, k, func(k *[scalarSize]byte) element {
		var e starkElement
		e.point.ScalarMultiplicationBase(new(big.Int).SetBytes(k[:]))
		return e
	})
}

type starkElement struct{ point starkcurve.G1Jac }

func (e starkElement) plus(other element) element {
	o := other.(starkElement)
	e.point.AddAssign(&o.point)
	return e
}

func (e starkElement) negated() element {
	e.point.Neg(&e.point)
	return e
}

func (e starkElement) times(k *big.Int) element {
	e.point.ScalarMultiplication(&e.point, k)
	return e
}

func (e starkElement) isIdentity() bool { return e.point.Z.IsZero() }

func (e starkElement) encode() (compressed, uncompressed []byte) {
	var p starkcurve.G1Affine
	p.FromJacobian(&e.point)
	x, y := p.X.Bytes(), p.Y.Bytes()
	prefix := byte(0x02)
	if isOdd(&p.Y) {
		prefix = 0x03
	}
	compressed = append([]byte{prefix}, x[:]...)
	uncompressed = append(append([]byte{0x04}, x[:]...), y[:]...)
	return compressed, uncompressed
}

func isOdd(y *fp.Element) bool {
	encoded := y.Bytes()
	return encoded[len(encoded)-1]&1 == 1
}
