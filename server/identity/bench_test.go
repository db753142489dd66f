package identity

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"keyferry/server/recent"
)

// BenchmarkAuthenticate is with accounts in memory: a token that is seen for the first
// time, and one that was verified before.
func BenchmarkAuthenticate(b *testing.B) {
	tokens := newTokens(b, time.Now)
	text, record, err := tokens.Issue(alice, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	a := NewAuthenticator(tokens, &accounts{tokens: map[TokenID]Token{record.ID: record}, users: map[UserID]User{alice.ID: alice}})
	authenticate := func(b *testing.B) {
		if _, err := a.Authenticate(context.Background(), text); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tokens.verified = recent.NewMap[[sha256.Size]byte, jwtClaims](1)
			authenticate(b)
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			authenticate(b)
		}
	})
}
