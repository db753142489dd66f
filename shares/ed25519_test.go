package shares

import (
	"testing"

	"filippo.io/edwards25519"
)

// mixedOrderPoint returns p plus the point of order 2, (0, −1).
func mixedOrderPoint(t *testing.T, p Point) []byte {
	t.Helper()
	a, errA := new(edwards25519.Point).SetBytes(p.Bytes())
	b, errB := new(edwards25519.Point).SetBytes(unhex(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	return a.Add(a, b).Bytes()
}
