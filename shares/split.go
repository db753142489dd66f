package shares

import (
	"fmt"

	"keyferry/shares/locked"
)

// Dealing is a freshly split key.
type Dealing struct {
	// Shares has the shares of the indexes 1..n, in order.
	Shares []Share
	// Public has their commitments.
	Public PublicShares
}

// Destroy wipes every share.
func (d *Dealing) Destroy() {
	for _, share := range d.Shares {
		share.Destroy()
	}
}

// Split shares a secret of 32 bytes in [1, order) among n signers so that any
// minSigners of them have it and fewer learn nothing: 2 ≤ minSigners ≤ n ≤ 255.
// Constant-time in the secret, public shares as [Curve.MulBase]. The caller must
// Destroy the result; the secret stays the caller's.
//
// With a chance below 2⁻²⁴⁰ a share comes out as zero, which no signer may hold;
// Split then returns an error that wraps [ErrScalar].
func Split(curve Curve, secret *locked.Buffer, minSigners, n int) (*Dealing, error) {
	if err := checkThreshold(minSigners, n); err != nil {
		return nil, err
	}
	polynomial, err := randomPolynomial(curve, secret, minSigners)
	if err != nil {
		return nil, fmt.Errorf("splitting: %w", err)
	}
	defer polynomial.Destroy()
	d := &Dealing{}
	for position := 1; position <= n; position++ {
		if err := d.deal(curve, polynomial, IndexOf(position)); err != nil {
			d.Destroy()
			return nil, fmt.Errorf("splitting: share %d: %w", position, err)
		}
	}
	return d, nil
}

func (d *Dealing) deal(curve Curve, polynomial *locked.Buffer, at Index) error {
	value, err := evaluate(curve, polynomial, at)
	if err != nil {
		return err
	}
	share := Share{Curve: curve, Index: at, Secret: value}
	public, err := share.Public()
	if err != nil {
		share.Destroy()
		return err
	}
	d.Shares = append(d.Shares, share)
	d.Public = append(d.Public, public)
	return nil
}

// randomPolynomial returns the coefficients, constant term first, 32 bytes each:
// the secret, then random ones. The leading one must not be zero, or fewer than
// minSigners would do. The others may be, in a truly uniform polynomial; drawing
// them non-zero too changes their distribution by less than 2⁻²⁴⁰.
func randomPolynomial(curve Curve, secret *locked.Buffer, minSigners int) (*locked.Buffer, error) {
	constant, err := curve.scalarIn(secret)
	if err != nil {
		return nil, err
	}
	g, err := curve.group()
	if err != nil {
		return nil, err
	}
	polynomial, err := locked.New(minSigners * scalarSize)
	if err != nil {
		return nil, err
	}
	f := fieldOf(g)
	copy(polynomial.Bytes(), constant[:])
	for i := 1; i < minSigners; i++ {
		f.random(coefficient(polynomial, i))
	}
	return polynomial, nil
}

// evaluate returns f(at) by Horner's rule. The caller must Destroy it.
func evaluate(curve Curve, polynomial *locked.Buffer, at Index) (*locked.Buffer, error) {
	g, err := curve.group()
	if err != nil {
		return nil, err
	}
	value, err := locked.New(scalarSize)
	if err != nil {
		return nil, err
	}
	locked.Do(func() {
		f := fieldOf(g)
		x := [scalarSize]byte(at)
		dst := (*[scalarSize]byte)(value.Bytes())
		for i := polynomial.Len()/scalarSize - 1; i >= 0; i-- {
			f.mulAdd(dst, dst, &x, coefficient(polynomial, i))
		}
	})
	return value, nil
}

func coefficient(polynomial *locked.Buffer, i int) *[scalarSize]byte {
	return (*[scalarSize]byte)(polynomial.Bytes()[i*scalarSize:])
}
