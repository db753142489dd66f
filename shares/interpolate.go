package shares

import (
	"fmt"
	"math/big"

	"keyferry/shares/locked"
)

// Interpolate returns f(0) of the one polynomial of degree len(shares)−1 that goes
// through all the given shares: 32 bytes, big-endian, never zero. Every share
// counts; one wrong share gives a wrong secret, so compare its public key. Indexes
// may be any distinct ones in [1, order). Constant-time in the secrets. The caller
// must Destroy the result.
func Interpolate(shares []Share) (*locked.Buffer, error) {
	secret, err := InterpolateAt(shares, Index{})
	if err != nil {
		return nil, err
	}
	if _, err := shares[0].Curve.scalarIn(secret); err != nil {
		secret.Destroy()
		return nil, fmt.Errorf("interpolated secret: %w", err)
	}
	return secret, nil
}

// InterpolateAt returns f(at) as [Interpolate] does f(0): what a further signer's
// share should be. Unlike that it may be zero.
func InterpolateAt(shares []Share, at Index) (*locked.Buffer, error) {
	curve, secrets, err := checkShares(shares)
	if err != nil {
		return nil, err
	}
	g, err := curve.group()
	if err != nil {
		return nil, err
	}
	weights := lagrangeWeights(g, indexesOf(shares), at)
	sum, err := locked.New(scalarSize)
	if err != nil {
		return nil, err
	}
	locked.Do(func() {
		f := fieldOf(g)
		dst := (*[scalarSize]byte)(sum.Bytes())
		for i, secret := range secrets {
			var weight [scalarSize]byte
			weights[i].FillBytes(weight[:])
			f.mulAdd(dst, secret, &weight, dst)
		}
	})
	return sum, nil
}

// checkShares accepts at least two valid shares of one curve at distinct indexes.
func checkShares(shares []Share) (Curve, []*[scalarSize]byte, error) {
	if len(shares) < MinThreshold || len(shares) > MaxShares {
		return 0, nil, fmt.Errorf("%w: %d shares given", ErrThreshold, len(shares))
	}
	curve := shares[0].Curve
	secrets := make([]*[scalarSize]byte, len(shares))
	for i, share := range shares {
		if share.Curve != curve {
			return 0, nil, fmt.Errorf("%w: shares of %s and %s", ErrCurve, curve, share.Curve)
		}
		secret, err := curve.scalarIn(share.Secret)
		if err != nil {
			return 0, nil, fmt.Errorf("share %s: %w", share.Index, err)
		}
		secrets[i] = secret
	}
	return curve, secrets, checkIndexes(curve, indexesOf(shares))
}

func indexesOf(shares []Share) []Index {
	indexes := make([]Index, len(shares))
	for i, share := range shares {
		indexes[i] = share.Index
	}
	return indexes
}

// lagrangeWeights returns w with f(at) = Σ w[i]·f(indexes[i]) for every polynomial f
// of degree below len(indexes), which must be valid. All of it is public.
func lagrangeWeights(g group, indexes []Index, at Index) []*big.Int {
	orderBytes := g.order()
	order := new(big.Int).SetBytes(orderBytes[:])
	weights := make([]*big.Int, len(indexes))
	for i, x := range indexes {
		numerator, denominator := big.NewInt(1), big.NewInt(1)
		for j, other := range indexes {
			if i == j {
				continue
			}
			numerator.Mul(numerator, new(big.Int).Sub(at.int(), other.int())).Mod(numerator, order)
			denominator.Mul(denominator, new(big.Int).Sub(x.int(), other.int())).Mod(denominator, order)
		}
		denominator.ModInverse(denominator, order) // exists: the indexes differ and the order is prime
		weights[i] = numerator.Mul(numerator, denominator).Mod(numerator, order)
	}
	return weights
}
