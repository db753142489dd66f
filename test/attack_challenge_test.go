//go:build cgo

package test

import (
	"slices"
	"strings"
	"testing"
)

// challengeAttacks ask for challenges that cannot be, or answer those that are not
// theirs to answer.
func challengeAttacks(t *testing.T, s *stage) []attack {
	fresh := func() offer { return s.alice.challenge(t, "POST", "/keys/import", "{}") }
	done := fresh()
	s.alice.redeemable(t, done)
	amys := s.amy.challenge(t, "POST", "/keys/import", "{}")
	bobs := s.bob.challenge(t, "POST", "/keys/import", "{}")
	answers := func(name string, c completion) attack {
		return attack{name, complete(t, c).by(s.alice), 400, "challenge.invalid"}
	}
	rows := []attack{
		{"an answer to one's own", complete(t, s.alice.completes(t, fresh())).by(s.alice), 200, legitimate},
		{"an answer in P-256", complete(t, s.amy.completes(t, amys)).by(s.amy), 200, legitimate},
		answers("one that is answered already", s.alice.completes(t, done)),
		answers("a colleague's", s.alice.completes(t, s.amy.challenge(t, "POST", "/keys/import", "{}"))),
		answers("another organisation's", s.alice.completes(t, bobs)),
		answers("another organisation's, with its own answer", s.bob.completes(t, bobs)),
	}
	return slices.Concat(rows, identifierAttacks(t, s), initAttacks(t, s))
}

// initAttacks ask for challenges about requests that cannot be.
func initAttacks(t *testing.T, s *stage) []attack {
	ask := func(b initBody) message { return post("/auth/action/init", text(t, b)).by(s.alice) }
	byMethod := func(method string) message { return ask(initBody{Payload: "{}", Method: method, Path: "/keys/import"}) }
	byPath := func(path string) message { return ask(initBody{Payload: "{}", Method: "POST", Path: path}) }
	byKind := func(kind string) message {
		return ask(initBody{Payload: "{}", Method: "POST", Path: "/keys/import", Kind: kind})
	}
	rows := []attack{{"a challenge for an import", byKind("Api"), 200, legitimate}}
	rows = append(rows, each([]named{
		{"for a method in small letters", "post"}, {"for PATCH", "PATCH"}, {"for no method", ""}, {"for a method with a blank", "POST "},
	}, 400, "action.malformed", byMethod)...)
	rows = append(rows, each([]named{
		{"for no path", ""}, {"for a relative path", "keys/import"}, {"for a URL", "https://keyferry.test/keys/import"},
		{"for a path with dots", "/keys/../keys/import"}, {"for a path with escaped dots", "/keys/%2e%2e/import"},
		{"for a path with an escaped slash", "/keys%2Fimport"}, {"for a path that is escaped twice", "/keys/%252e"},
		{"for a path with a broken escape", "/keys/%zz"}, {"for a path with a zero byte", "/keys/%00"},
		{"for a path with a line break", "/keys/\nimport"}, {"for a path with a fragment", "/keys/import#x"},
		{"for a path with a backslash", `/keys\import`}, {"for a path in invalid UTF-8", "/keys/%ff"},
		{"for an endless path", "/" + strings.Repeat("a", 2000)},
	}, 400, "action.malformed", byPath)...)
	return append(rows, each([]named{
		{"for the vendor's staff", "Staff"}, {"for another kind of server", "api"},
	}, 400, "request.malformed", byKind)...)
}
