package recovery

import (
	"crypto/subtle"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// group is all the shares that lie on one polynomial of degree minSigners−1.
type group struct {
	secret *locked.Buffer       // f(0), once it is known to give the public key
	member []bool               // by candidate
	counts map[shares.Index]int // members at an index
	size   int                  // number of different indexes
}

// groupOf returns the shares that lie on the polynomial of the basis, which has
// minSigners of them.
func groupOf(candidates, basis []candidate) (group, error) {
	g := group{member: make([]bool, len(candidates)), counts: map[shares.Index]int{}}
	for i, c := range candidates {
		fits, err := c.fits(basis)
		if err != nil {
			return group{}, err
		}
		if fits {
			g.member[i] = true
			g.counts[c.Index]++
		}
	}
	g.size = len(g.counts)
	return g, nil
}

// fits compares in constant time.
func (c candidate) fits(basis []candidate) (bool, error) {
	want, err := shares.InterpolateAt(sharesOf(basis), c.Index)
	if err != nil {
		return false, err
	}
	defer want.Destroy()
	return subtle.ConstantTimeCompare(want.Bytes(), c.Secret.Bytes()) == 1, nil
}

// isUnique reports that no other group can be as large. Two different polynomials of
// degree minSigners−1 that both have the secret at 0 meet in at most minSigners−2
// other places, so the sizes of their groups add up to at most n + minSigners − 2.
func (g group) isUnique(n, minSigners int) bool { return 2*g.size > n+minSigners-2 }

// judge names the shares outside a unique group as bad. If the group is not unique,
// every share is doubtful; so are two that are one and the same share, of which at
// least one was copied.
func (g group) judge(candidates []candidate, minSigners int) solution {
	s := solution{secret: g.secret}
	if !g.isUnique(len(candidates), minSigners) {
		s.doubtful = signersOf(candidates)
		return s
	}
	for i, c := range candidates {
		switch {
		case !g.member[i]:
			s.bad = append(s.bad, BadShare{c.signerID, c.position, ErrOffPolynomial})
		case g.counts[c.Index] > 1:
			s.doubtful = append(s.doubtful, c.signerID)
		}
	}
	return s
}
