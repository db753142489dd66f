//go:build cgo

package test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/useraction"
)

// identifierAttacks answer challenges under identifiers that the server did not make for
// them, and under such that it would not make though its key was stolen.
func identifierAttacks(t *testing.T, s *stage) []attack {
	answers := func(name string, o offer) attack {
		return attack{name, complete(t, s.alice.completes(t, o)).by(s.alice), 400, "challenge.invalid"}
	}
	fresh := func(identifier func(honest []string) string) offer {
		o := s.alice.challenge(t, "POST", "/keys/import", "{}")
		o.Identifier = identifier(strings.Split(o.Identifier, "."))
		return o
	}
	other := strings.Split(s.alice.challenge(t, "POST", "/keys/import", "{}").Identifier, ".")
	stolen, stranger := s.tokenKey(t), newP256(t).(*ecdsa.PrivateKey)
	past := func(in *challenge.Input) {
		in.IssuedAt -= challenge.Millis(time.Hour.Milliseconds())
		in.ExpiresAt -= challenge.Millis(time.Hour.Milliseconds())
	}
	long := func(in *challenge.Input) { in.ExpiresAt += challenge.Millis(time.Hour.Milliseconds()) }
	edited := complete(t, s.alice.completes(t, s.forged(t, stolen, long))).by(s.alice)
	elsewhere := complete(t, s.alice.completes(t, s.forged(t, stolen, func(in *challenge.Input) { in.Deployment += "x" }))).by(s.alice)
	return []attack{
		{"one made with the stolen key", complete(t, s.alice.completes(t, s.forged(t, stolen, func(*challenge.Input) {}))).by(s.alice), 200, legitimate},
		answers("an identifier that nobody issued", fresh(func([]string) string { return "ch-00000-00000-0000000000000000" })),
		answers("no identifier", fresh(func([]string) string { return "" })),
		answers("one with a quote behind it", fresh(func(honest []string) string { return strings.Join(honest, ".") + "'" })),
		answers("one with a line break in its MAC", fresh(func(honest []string) string {
			return honest[0] + "." + honest[1] + "." + honest[2][:9] + "\n" + honest[2][9:]
		})),
		answers("one without its MAC", fresh(func(honest []string) string { return honest[0] + "." + honest[1] + "." })),
		answers("one under another's MAC", fresh(func(honest []string) string { return honest[0] + "." + honest[1] + "." + other[2] })),
		answers("an access token", fresh(func([]string) string { return s.alice.token })),
		answers("one of another server's making", s.forged(t, stranger, func(*challenge.Input) {})),
		answers("one whose time is over", s.forged(t, stolen, past)),
		{"one that lasts an hour", edited, 401, "action.assertion"},
		{"one of another deployment", elsewhere, 401, "action.assertion"},
	}
}

// forged is a challenge of the attacker's own, under an identifier made with the key.
func (s *stage) forged(t *testing.T, key *ecdsa.PrivateKey, edit func(*challenge.Input)) offer {
	t.Helper()
	o := s.alice.challenge(t, "POST", "/keys/import", "{}")
	identifiers, err := useraction.NewIdentifiers(key, o.Input.Deployment)
	if err != nil {
		t.Fatal(err)
	}
	edit(&o.Input)
	o.Challenge = o.Input.Challenge()
	if o.Identifier, err = identifiers.Identify(o.Input, "{}"); err != nil {
		t.Fatal(err)
	}
	return o
}

// tokenKey is the server's key for access tokens.
func (s *stage) tokenKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "state/secrets/token.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}
