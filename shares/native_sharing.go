package shares

import (
	"fmt"
	"math/big"

	"keyferry/shares/locked"
)

// interpret makes a share of ours of what was read, and checks that the public shares
// make the public key that the library wrote.
func (w *writtenNative) interpret(share *ClusterShare) error {
	var err error
	if share.Scheme, err = w.library.scheme(w.curve); err != nil {
		return fmt.Errorf("%w: %w", ErrPlaintext, err)
	}
	curve := share.Scheme.Curve()
	if err := curve.CheckScalar(share.Secret.Bytes()); err != nil {
		return fmt.Errorf("%w: x: %w", ErrPlaintext, err)
	}
	public, err := parsePoints(curve, w.publicShares)
	if err != nil {
		return err
	}
	if err := checkThreshold(MinThreshold, len(public)); err != nil {
		return fmt.Errorf("%w: %w", ErrPlaintext, err)
	}
	if w.party >= len(public) {
		return malformed(fmt.Sprintf("i is %d, of %d public shares", w.party, len(public)))
	}
	if w.isShamir {
		err = w.order(share, public)
	} else {
		err = w.scale(share, public)
	}
	if err != nil {
		return err
	}
	return w.checkPublicKey(share)
}

func parsePoints(curve Curve, encoded [][]byte) (PublicShares, error) {
	public := make(PublicShares, len(encoded))
	for i, bytes := range encoded {
		point, err := curve.ParsePoint(bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: public share %d: %w", ErrPlaintext, i+1, err)
		}
		public[i] = point
	}
	return public, nil
}

// order puts the public shares in the order of their points, which must be 1 to n: the
// indexes at which signers here have shares.
func (w *writtenNative) order(share *ClusterShare, public PublicShares) error {
	if w.pointsCurve != "" && w.pointsCurve != w.curve {
		return malformed("the points in I are of another curve")
	}
	if len(w.points) != len(public) {
		return malformed(fmt.Sprintf("%d points in I for %d public shares", len(w.points), len(public)))
	}
	share.Public = make(PublicShares, len(public))
	for party, at := range w.points {
		position := int(at[scalarSize-1])
		if position < 1 || position > len(public) || at != IndexOf(position) || !share.Public[position-1].IsZero() {
			return malformed(fmt.Sprintf("the key is shared at other points than 1 to %d: have the cluster share it anew at these", len(public)))
		}
		share.Public[position-1] = public[party]
	}
	share.MinSigners, share.Position = w.minSigners, int(w.points[w.party][scalarSize-1])
	return nil
}

// scale makes the Shamir share that an additive one amounts to. Each party does it by
// itself and arrives at the same public shares.
func (w *writtenNative) scale(share *ClusterShare, public PublicShares) error {
	curve := share.Scheme.Curve()
	g, err := curve.group()
	if err != nil {
		return err
	}
	elements, err := public.elements()
	if err != nil {
		return err
	}
	factors := scaling(g, len(public))
	for i, e := range elements {
		share.Public = append(share.Public, pointOf(curve, e.times(factors[i])))
	}
	share.MinSigners, share.Position = len(public), w.party+1
	locked.Do(func() {
		var factor, zero [scalarSize]byte
		factors[w.party].FillBytes(factor[:])
		secret := (*[scalarSize]byte)(share.Secret.Bytes())
		fieldOf(g).mulAdd(secret, secret, &factor, &zero)
	})
	return nil
}

// scaling returns the inverses of the Lagrange weights w of the points 1 to n at 0. The
// one polynomial f of degree below n with f(i) = x(i)/w(i) has f(0) = Σ w(i)·f(i) =
// Σ x(i): n Shamir shares of what the x add up to. All of it is public.
func scaling(g group, n int) []*big.Int {
	orderBytes := g.order()
	order := new(big.Int).SetBytes(orderBytes[:])
	indexes := make([]Index, n)
	for i := range indexes {
		indexes[i] = IndexOf(i + 1)
	}
	factors := lagrangeWeights(g, indexes, Index{})
	for _, factor := range factors {
		factor.ModInverse(factor, order) // exists: no index is zero and the order is prime
	}
	return factors
}

func (w *writtenNative) checkPublicKey(share *ClusterShare) error {
	written, err := parsePoints(share.Scheme.Curve(), w.publicKey)
	if err != nil {
		return fmt.Errorf("shared_public_key: %w", err)
	}
	made, err := share.Public.PublicKey()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPlaintext, err)
	}
	if made != written[0] {
		return malformed("shared_public_key is not the key that the public shares make")
	}
	return nil
}
