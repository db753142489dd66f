package recovery

import (
	"errors"
	"iter"

	"keyferry/shares/locked"
)

// MaxSearch is up to how many shares Recover looks for the honest ones among them:
// at worst 12 870 subsets, which takes seconds.
const MaxSearch = 16

// solution is a secret that gives the public key, and what it says of the shares.
type solution struct {
	secret   *locked.Buffer
	bad      []BadShare
	doubtful []string
}

// solve returns the secret, which is the public key's whatever the shares are.
//
// Shares that agree with each other are taken all together. Else the largest group
// of shares on one polynomial of degree minSigners−1 that gives the public key
// decides who is wrong. As a last resort a polynomial of higher degree through all
// of them does: some dealers understate minSigners.
func solve(candidates []candidate, response Response, strict bool) (solution, error) {
	whole, mismatch := interpolate(candidates, response.PublicKey)
	if mismatch == nil {
		all, err := groupOf(candidates, candidates[:response.MinSigners])
		if err != nil {
			whole.Destroy()
			return solution{}, err
		}
		if all.size == len(candidates) {
			return solution{secret: whole}, nil
		}
	}
	if !strict && len(candidates) <= MaxSearch {
		found, err := search(candidates, response)
		if err != nil || found.secret != nil {
			whole.Destroy()
			return found, err
		}
	}
	if mismatch != nil {
		return solution{}, mismatch
	}
	return solution{secret: whole, doubtful: signersOf(candidates)}, nil
}

// search tries every subset of minSigners shares; the secret is nil if none gives
// the public key. Liars who know of each other can shift their shares so that a
// group of theirs still gives the right key but makes honest signers look wrong: so
// the first hit is not believed, but the largest group is.
func search(candidates []candidate, response Response) (solution, error) {
	var best group
	for subset := range combinations(len(candidates), response.MinSigners) {
		basis := pick(candidates, subset)
		secret, err := interpolate(basis, response.PublicKey)
		if errors.Is(err, locked.ErrMemory) {
			best.secret.Destroy()
			return solution{}, err
		}
		if err != nil {
			continue
		}
		found, err := groupOf(candidates, basis)
		if err != nil {
			secret.Destroy()
			best.secret.Destroy()
			return solution{}, err
		}
		if found.size <= best.size {
			secret.Destroy()
			continue
		}
		best.secret.Destroy()
		best, best.secret = found, secret
		if best.isUnique(len(candidates), response.MinSigners) {
			break
		}
	}
	if best.secret == nil {
		return solution{}, nil
	}
	return best.judge(candidates, response.MinSigners), nil
}

func pick(candidates []candidate, subset []int) []candidate {
	picked := make([]candidate, len(subset))
	for i, at := range subset {
		picked[i] = candidates[at]
	}
	return picked
}

func signersOf(candidates []candidate) []string {
	ids := make([]string, len(candidates))
	for i, c := range candidates {
		ids[i] = c.signerID
	}
	return ids
}

// combinations yields every choice of k of the numbers 0..n−1, ascending. The slice
// is overwritten between two yields.
func combinations(n, k int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		choice := make([]int, k)
		for i := range choice {
			choice[i] = i
		}
		for {
			if !yield(choice) {
				return
			}
			i := k - 1
			for i >= 0 && choice[i] == n-k+i {
				i--
			}
			if i < 0 {
				return
			}
			choice[i]++
			for j := i + 1; j < k; j++ {
				choice[j] = choice[j-1] + 1
			}
		}
	}
}
