package envelope

import (
	"crypto/rand"
	"fmt"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/shares/locked"
)

// dcrdAgreement is in pure Go. dcrd's multiplications are variable-time: they look
// up tables by the scalar's digits. That is acceptable where the scalar is used
// once, for one observation of one random scalar's time tells next to nothing of
// it. public is such a use even for a long-lived scalar: it runs when the key is
// made and when it is read again, at nobody's request. Where others can have a
// long-lived scalar multiplied, it is split into two that are used once.
type dcrdAgreement struct{}

func (dcrdAgreement) public(scalar *[scalarSize]byte, key *[pointSize]byte) (err error) {
	locked.Do(func() {
		var k dcrd.ModNScalar
		overflow := k.SetBytes(scalar)
		if k.IsZeroBit()|overflow != 0 {
			err = fmt.Errorf("%w: scalar is zero, or not below the group's order", ErrKey)
			return
		}
		var product dcrd.JacobianPoint
		dcrd.ScalarBaseMultNonConst(&k, &product)
		encode(&product, key)
	})
	return err
}

func (dcrdAgreement) shareOnce(scalar *[scalarSize]byte, peer, shared *[pointSize]byte) error {
	return exchange(scalar, peer, shared, dcrd.ScalarMultNonConst)
}

func (dcrdAgreement) share(scalar *[scalarSize]byte, peer, shared *[pointSize]byte) error {
	return exchange(scalar, peer, shared, mulSplit)
}

type multiplication func(k *dcrd.ModNScalar, point, product *dcrd.JacobianPoint)

// exchange cannot give the identity: the order is prime and neither factor zero.
func exchange(scalar *[scalarSize]byte, peer, shared *[pointSize]byte, mul multiplication) error {
	key, err := dcrd.ParsePubKey(peer[:])
	if err != nil {
		return fmt.Errorf("%w: not a compressed point of secp256k1", ErrKey)
	}
	locked.Do(func() {
		var k dcrd.ModNScalar
		k.SetBytes(scalar)
		var point, product dcrd.JacobianPoint
		key.AsJacobian(&point)
		mul(&k, &point, &product)
		encode(&product, shared)
	})
	return nil
}

// mulSplit computes k·P as (k−r)·P + r·P for a fresh random r. Each factor is
// uniform and used once, so the time of either multiplication is independent of k.
func mulSplit(k *dcrd.ModNScalar, point, product *dcrd.JacobianPoint) {
	rest, r := split(k)
	var a, b dcrd.JacobianPoint
	dcrd.ScalarMultNonConst(&rest, point, &a)
	dcrd.ScalarMultNonConst(&r, point, &b)
	dcrd.AddNonConst(&a, &b, product)
}

// split returns k−r and r. Reducing 256 random bits modulo the order, which is
// within 2¹²⁹ of 2²⁵⁶, is uniform for every purpose.
func split(k *dcrd.ModNScalar) (rest, r dcrd.ModNScalar) {
	var random [scalarSize]byte
	rand.Read(random[:])
	r.SetBytes(&random)
	rest.NegateVal(&r).Add(k)
	return rest, r
}

func encode(point *dcrd.JacobianPoint, dst *[pointSize]byte) {
	point.ToAffine()
	copy(dst[:], dcrd.NewPublicKey(&point.X, &point.Y).SerializeCompressed())
}
