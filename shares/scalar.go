package shares

import (
	"crypto/rand"
	"math/bits"

	"filippo.io/bigmod"
)

const scalarSize = 32

// field is the scalar field of a curve: the integers modulo the group's order. Its
// arithmetic is constant-time on every curve (bigmod is the code behind the
// standard library's RSA), and runs inside locked.Do. Operands are below the
// order; dst may be one of them.
type field struct {
	modulus *bigmod.Modulus
	order   [scalarSize]byte
}

func fieldOf(g group) field {
	order := g.order()
	modulus, err := bigmod.NewModulus(order[:])
	if err != nil {
		panic("shares: " + g.name() + " has an impossible order")
	}
	return field{modulus, order}
}

// mulAdd sets dst = a·b + c.
func (f field) mulAdd(dst, a, b, c *[scalarSize]byte) {
	result := f.nat(a).Mul(f.nat(b), f.modulus).Add(f.nat(c), f.modulus)
	copy(dst[:], result.Bytes(f.modulus))
}

// sub sets dst = a − b.
func (f field) sub(dst, a, b *[scalarSize]byte) {
	copy(dst[:], f.nat(a).Sub(f.nat(b), f.modulus).Bytes(f.modulus))
}

// random sets dst to a uniform scalar in [1, order) by rejection. How often it
// draws says nothing about the draw that it keeps.
func (f field) random(dst *[scalarSize]byte) {
	topBits := byte(1<<bits.Len8(f.order[0]) - 1)
	for {
		rand.Read(dst[:]) // never fails: crypto/rand ends the program instead
		dst[0] &= topBits
		if inRange(dst, &f.order) {
			return
		}
	}
}

func (f field) nat(x *[scalarSize]byte) *bigmod.Nat {
	n, err := bigmod.NewNat().SetBytes(x[:], f.modulus)
	if err != nil {
		panic("shares: a scalar that was checked is not below the order")
	}
	return n
}

// inRange reports 0 < x < order, in constant time but for the answer.
func inRange(x, order *[scalarSize]byte) bool {
	var borrow, nonZero uint32
	for i := scalarSize - 1; i >= 0; i-- {
		borrow = (uint32(x[i]) - uint32(order[i]) - borrow) >> 31
		nonZero |= uint32(x[i])
	}
	return borrow == 1 && nonZero != 0
}

// splitMulBase computes k·G from a variable-time multiplication: it draws r and
// adds (k−r)·G and r·G. Each of the two factors is uniform and used once, so what
// the time of one of them tells is independent of k. This defends against timing,
// the only channel that a remote observer has; it is no defence against someone
// who measures both multiplications bit by bit on the same machine.
func splitMulBase(g group, k *[scalarSize]byte, mulBaseNonConst func(*[scalarSize]byte) element) element {
	f := fieldOf(g)
	var r, rest [scalarSize]byte
	f.random(&r)
	f.sub(&rest, k, &r)
	return mulBaseNonConst(&rest).plus(mulBaseNonConst(&r))
}
