//go:build cgo

// Package hsmtest gives tests real tokens: SoftHSM, in a directory of the test process,
// with a fresh token for each call.
//
//   - [Token] and [Cluster]: tokens that are ready to use
//   - [TokenWithKeys]: the same, with keys that the test knows
//   - [Blank]: a token before its key ceremony, and what it takes to open it
//   - [Directory]: an empty SoftHSM for tests of programs that open the module
//     themselves
//
// A test never skips for want of SoftHSM: it fails and says what to install. SoftHSM
// reads its configuration when the library is initialised, which is a matter of the
// whole process. So the tests of one process share one directory and one module while any
// of them uses it; parallel tests may.
package hsmtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"keyferry/hsm"
)

// PIN is the user's PIN of every token made here.
const PIN = "user-pin-for-tests"

const securityOfficerPIN = "so-pin-for-tests"

// Path returns the path of the SoftHSM library.
func Path(t testing.TB) string {
	t.Helper()
	path, err := hsm.FindSoftHSM()
	if err != nil {
		t.Fatalf("these tests need a real token: %v", err)
	}
	return path
}

// Token returns a fresh token after its key ceremony. It is closed when the test ends.
func Token(t testing.TB) *hsm.Token {
	t.Helper()
	token := Open(t, Blank(t))
	if _, err := token.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	return token
}

// Cluster returns n fresh tokens, as n signers have them.
func Cluster(t testing.TB, n int) []*hsm.Token {
	t.Helper()
	tokens := make([]*hsm.Token, n)
	for i := range tokens {
		tokens[i] = Token(t)
	}
	return tokens
}

// Blank makes a token on which no key ceremony has been held, and returns what [Open]
// and [hsm.Module.Token] need. It may be changed before that.
func Blank(t testing.TB) hsm.TokenConfig {
	t.Helper()
	cfg := hsm.TokenConfig{Label: Label(), PIN: MakePIN(t, PIN), Sessions: 2, Wait: 10 * time.Second}
	if err := Module(t).CreateToken(cfg.Label, MakePIN(t, securityOfficerPIN), cfg.PIN); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Open opens a token, again if need be, and closes it when the test ends.
func Open(t testing.TB, cfg hsm.TokenConfig) *hsm.Token {
	t.Helper()
	token, err := Module(t).Token(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Errorf("closing the token: %v", err)
		}
	})
	return token
}

// Label returns a token label that no other test has.
func Label() string { return fmt.Sprintf("test %s", rand.Text()[:20]) }

// MakePIN returns a PIN that is wiped when the test ends.
func MakePIN(t testing.TB, text string) *hsm.PIN {
	t.Helper()
	pin, err := hsm.NewPIN([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pin.Destroy)
	return pin
}
