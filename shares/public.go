package shares

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"keyferry/shares/fields"
)

// publicSharesLabel separates this hash from every other one.
const publicSharesLabel = "keyferry public shares v1"

// PublicShares has the commitments f(1)·G, …, f(n)·G to a key's shares, in order.
type PublicShares []Point

// ParsePublicShares reads 1 to 255 points as [PublicShares.Hex] writes them, index 1
// first.
func (c Curve) ParsePublicShares(written []string) (PublicShares, error) {
	if len(written) == 0 || len(written) > MaxShares {
		return nil, fmt.Errorf("%d public shares: there are 1 to %d", len(written), MaxShares)
	}
	var public PublicShares
	for i, text := range written {
		encoded, err := hex.DecodeString(text)
		if err != nil || hex.EncodeToString(encoded) != text {
			return nil, fmt.Errorf("public share %d is not lower-case hex", i+1)
		}
		point, err := c.ParsePoint(encoded)
		if err != nil {
			return nil, fmt.Errorf("public share %d: %w", i+1, err)
		}
		public = append(public, point)
	}
	return public, nil
}

// Hex writes each point in lower-case hex of [Point.Bytes].
func (p PublicShares) Hex() []string {
	var written []string
	for _, point := range p {
		written = append(written, point.Hex())
	}
	return written
}

// Check accepts commitments that lie on one polynomial of degree exactly
// minSigners−1, where 2 ≤ minSigners ≤ n ≤ 255. Beyond that degree, different
// signers would give different keys; below it, fewer than minSigners would give
// the key, against what is recorded. (An honest dealer hits a lower degree with a
// chance below 2⁻²⁴⁰.) Variable-time; errors wrap [ErrPolynomial], [ErrThreshold],
// [ErrCurve] or [ErrPoint].
//
// The indexes are consecutive, so the d-th finite differences of f tell its degree:
// those of order minSigners−1 are constant, the factorial (minSigners−1)! times the
// leading coefficient, and those of the next order vanish. This takes subtractions
// only, and no chance is involved.
func (p PublicShares) Check(minSigners int) error {
	if err := checkThreshold(minSigners, len(p)); err != nil {
		return err
	}
	differences, err := p.elements()
	if err != nil {
		return err
	}
	for range minSigners - 1 {
		differences = forwardDifferences(differences)
	}
	for _, d := range forwardDifferences(differences) {
		if !d.isIdentity() {
			return fmt.Errorf("%w: its degree is above %d", ErrPolynomial, minSigners-1)
		}
	}
	if differences[0].isIdentity() {
		return fmt.Errorf("%w: its degree is below %d", ErrPolynomial, minSigners-1)
	}
	return nil
}

// forwardDifferences returns e[i+1] − e[i].
func forwardDifferences(e []element) []element {
	d := make([]element, len(e)-1)
	for i := range d {
		d[i] = e[i+1].plus(e[i].negated())
	}
	return d
}

// PublicKey returns f(0)·G, interpolated over all points. It is the key's only for
// commitments that passed Check. Variable-time. The identity is refused with an
// error that wraps [ErrPoint].
func (p PublicShares) PublicKey() (Point, error) {
	elements, err := p.elements()
	if err != nil {
		return Point{}, err
	}
	curve := p[0].curve
	g, err := curve.group()
	if err != nil {
		return Point{}, err
	}
	indexes := make([]Index, len(p))
	for i := range indexes {
		indexes[i] = IndexOf(i + 1)
	}
	weights := lagrangeWeights(g, indexes, Index{})
	sum := elements[0].times(weights[0])
	for i := 1; i < len(elements); i++ {
		sum = sum.plus(elements[i].times(weights[i]))
	}
	if sum.isIdentity() {
		return Point{}, fmt.Errorf("%w of %s: the public key is the identity", ErrPoint, curve)
	}
	return pointOf(curve, sum), nil
}

// Hash returns SHA-256 over an unambiguous encoding, by which signers compare what
// they were given: label, curve and each compressed point, every one of them with
// its length in four bytes, big-endian, in front, and the number of points before
// the points.
func (p PublicShares) Hash() [sha256.Size]byte {
	curve := ""
	if len(p) > 0 {
		curve = p[0].curve.Name()
	}
	encoded := fields.Append(make([]byte, 0, 512), []byte(publicSharesLabel), []byte(curve))
	encoded = binary.BigEndian.AppendUint32(encoded, uint32(len(p)))
	for _, point := range p {
		encoded = fields.Append(encoded, []byte(point.compressed))
	}
	return sha256.Sum256(encoded)
}

// elements decodes at least one and at most 255 points of one curve.
func (p PublicShares) elements() ([]element, error) {
	if len(p) == 0 || len(p) > MaxShares {
		return nil, fmt.Errorf("%w: %d public shares", ErrThreshold, len(p))
	}
	elements := make([]element, len(p))
	for i, point := range p {
		if point.curve != p[0].curve {
			return nil, fmt.Errorf("%w: public share %d is of another curve", ErrCurve, i+1)
		}
		e, err := point.element()
		if err != nil {
			return nil, fmt.Errorf("public share %d: %w", i+1, err)
		}
		elements[i] = e
	}
	return elements, nil
}
