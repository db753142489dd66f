package recovery

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
)

func TestCombinationsAreComplete(t *testing.T) {
	for n := 2; n <= 7; n++ {
		for k := 2; k <= n; k++ {
			seen := map[string]bool{}
			for c := range combinations(n, k) {
				if !slices.IsSorted(c) || c[0] < 0 || c[k-1] >= n {
					t.Errorf("%d of %d: %v", k, n, c)
				}
				seen[fmt.Sprint(c)] = true
			}
			if want := new(big.Int).Binomial(int64(n), int64(k)); big.NewInt(int64(len(seen))).Cmp(want) != 0 {
				t.Errorf("%d of %d: %d instead of %s", k, n, len(seen), want)
			}
		}
	}
}
