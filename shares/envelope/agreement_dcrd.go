package envelope

import (
	"crypto/rand"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/shares/locked"
)

// dcrdAgreement is in pure Go, for builds without cgo. dcrd's multiplications are
// variable-time: they look up tables by the scalar's digits. That is acceptable where
// the scalar is used once, for one observation of one random scalar's time tells next
// to nothing of it. public is such a use even for a long-lived scalar: it runs when
// the key is made and when it is read again, at nobody's request. Where others can
// have a long-lived scalar multiplied, it is split into two that are used once.
type dcrdAgreement struct{}

func (dcrdAgreement) public(scalar *[scalarSize]byte, key *[pointSize]byte) error {
	return withScalar(scalar, func(k *dcrd.ModNScalar) {
		var product dcrd.JacobianPoint
		dcrd.ScalarBaseMultNonConst(k, &product)
		encode(&product, key)
	})
}

func (dcrdAgreement) ephemeral(scalar *[scalarSize]byte, peer, key, shared *[pointSize]byte) error {
	point, err := parsePeer(peer)
	if err != nil {
		return err
	}
	return withScalar(scalar, func(k *dcrd.ModNScalar) {
		var product dcrd.JacobianPoint
		dcrd.ScalarBaseMultNonConst(k, &product)
		encode(&product, key)
		dcrd.ScalarMultNonConst(k, &point, &product)
		encode(&product, shared)
	})
}

func (dcrdAgreement) share(scalar *[scalarSize]byte, peer, shared *[pointSize]byte) error {
	point, err := parsePeer(peer)
	if err != nil {
		return err
	}
	return withScalar(scalar, func(k *dcrd.ModNScalar) {
		var product dcrd.JacobianPoint
		mulSplit(k, &point, &product)
		encode(&product, shared)
	})
}

// withScalar runs f inside locked.Do with a scalar that is in range.
func withScalar(scalar *[scalarSize]byte, f func(k *dcrd.ModNScalar)) (err error) {
	locked.Do(func() {
		var k dcrd.ModNScalar
		overflow := k.SetBytes(scalar)
		if k.IsZeroBit()|overflow != 0 {
			err = errScalar
			return
		}
		f(&k)
	})
	return err
}

func parsePeer(peer *[pointSize]byte) (point dcrd.JacobianPoint, err error) {
	key, err := dcrd.ParsePubKey(peer[:])
	if err != nil {
		return point, errPeer
	}
	key.AsJacobian(&point)
	return point, nil
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

// encode never meets the identity: the order is prime, and neither a scalar in range
// nor an accepted point is zero.
func encode(point *dcrd.JacobianPoint, dst *[pointSize]byte) {
	point.ToAffine()
	dst[0] = 0x02 | byte(point.Y.IsOddBit())
	point.X.PutBytesUnchecked(dst[1:])
}
