package shares

import (
	"errors"
	"math/big"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// secp256k1 is the curve of SEC 2 §2.4.1, by dcrd.
//
// Not constant-time in dcrd: AddNonConst and the multiplications, which look up
// tables by the scalar's bytes and branch on the points. They work on public
// values here, but for mulBase, which splits its secret.
type secp256k1 struct{}

func (secp256k1) name() string { return "secp256k1" }

func (secp256k1) order() [scalarSize]byte {
	return [scalarSize]byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
	}
}

func (secp256k1) parse(compressed []byte) (element, error) {
	if len(compressed) != 33 {
		return nil, errors.New("not 33 bytes")
	}
	return parseSecp256k1(compressed)
}

// parseUncompressed leaves out the hybrid forms 06 and 07, which dcrd would take.
func (secp256k1) parseUncompressed(encoded []byte) (element, error) {
	if len(encoded) != 65 || encoded[0] != 0x04 {
		return nil, errors.New("not 65 bytes with prefix 04")
	}
	return parseSecp256k1(encoded)
}

func parseSecp256k1(encoded []byte) (element, error) {
	key, err := dcrd.ParsePubKey(encoded)
	if err != nil {
		return nil, errors.New("not on the curve, or not canonical")
	}
	var e secp256k1Element
	key.AsJacobian(&e.point)
	return e, nil
}

func (g secp256k1) mulBase(k *[scalarSize]byte) element {
	return splitMulBase(g, k, func(k *[scalarSize]byte) element {
		var scalar dcrd.ModNScalar
		scalar.SetBytes(k)
		var e secp256k1Element
		dcrd.ScalarBaseMultNonConst(&scalar, &e.point)
		return e
	})
}

// secp256k1Element holds a normalized point, as dcrd's functions need and return.
type secp256k1Element struct{ point dcrd.JacobianPoint }

func (e secp256k1Element) plus(other element) element {
	o := other.(secp256k1Element)
	var sum secp256k1Element
	dcrd.AddNonConst(&e.point, &o.point, &sum.point)
	return sum
}

func (e secp256k1Element) negated() element {
	e.point.Y.Negate(1).Normalize()
	return e
}

func (e secp256k1Element) times(k *big.Int) element {
	var scalar dcrd.ModNScalar
	scalar.SetByteSlice(k.Bytes())
	var product secp256k1Element
	dcrd.ScalarMultNonConst(&scalar, &e.point, &product.point)
	return product
}

func (e secp256k1Element) isIdentity() bool {
	return e.point.Z.IsZero() || e.point.X.IsZero() && e.point.Y.IsZero()
}

func (e secp256k1Element) encode() (compressed, uncompressed []byte) {
	if !e.point.Z.IsOne() { // dcrd would invert 1 too, at ten times the cost of the rest
		e.point.ToAffine()
	}
	key := dcrd.NewPublicKey(&e.point.X, &e.point.Y)
	return key.SerializeCompressed(), key.SerializeUncompressed()
}
