//go:build cgo

package hsm_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
)

// ownNonces makes of a token one that does not take the caller's nonces, as some of
// hardware are in their FIPS mode.
type ownNonces struct {
	fitness.Calls
	next func(nonce []byte)
	told bool
}

func (o ownNonces) Seal(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, plaintext, out []byte) error {
	own := make([]byte, len(iv))
	o.next(own)
	err := o.Calls.Seal(session, key, own, aad, plaintext, out)
	if o.told {
		copy(iv, own)
	}
	return err
}

func TestTokensOwnNoncesAreFoundOut(t *testing.T) {
	random := func(nonce []byte) { rand.Read(nonce) }
	for name, c := range map[string]struct {
		calls   ownNonces
		check   string
		outcome fitness.Outcome
		words   string
	}{
		"told":     {ownNonces{next: random, told: true}, "seal.nonce", fitness.Passed, "the token makes the nonces, tells them"},
		"not told": {ownNonces{next: random}, "seal.round-trip", fitness.Failed, ""},
		"repeated": {ownNonces{next: func([]byte) {}, told: true}, "seal.nonce", fitness.Failed, "used a nonce twice"},
	} {
		bench := hsm.BenchOf(hsmtest.Token(t))
		c.calls.Calls = bench.Calls
		bench.Calls = c.calls
		report, err := fitness.Try(t.Context(), bench)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(report.Checks, func(found fitness.Check) bool { return found.Name == c.check })
		if i < 0 || report.Checks[i].Outcome != c.outcome || !strings.Contains(report.Checks[i].Detail, c.words) {
			t.Errorf("%s: %+v", name, report.Checks)
		}
		if report.Fit(fitness.Hold) != (c.outcome == fitness.Passed) {
			t.Errorf("%s: fit to hold shares: %v", name, report.Fit(fitness.Hold))
		}
	}
}

func BenchmarkSelfTest(b *testing.B) {
	token := hsmtest.Token(b)
	for b.Loop() {
		if _, err := token.SelfTest(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
