package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzToken holds that no text but the tokens that were issued says who a caller is. Its
// signature can be written in a second way (r, n-s), but not what it is over.
func FuzzToken(f *testing.F) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), 7)) // the same in every run
	if err != nil {
		f.Fatal(err)
	}
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	tokens, err := NewTokens(key, "test", now)
	if err != nil {
		f.Fatal(err)
	}
	elsewhere, err := NewTokens(key, "elsewhere", now)
	if err != nil {
		f.Fatal(err)
	}
	user := User{ID: "us-1", Org: "or-1"}
	issued := map[string]TokenID{}
	for _, id := range []TokenID{"to-1", "to-2"} {
		text, foreign := fixedToken(f, tokens, user, id), fixedToken(f, elsewhere, user, id)
		issued[text[:strings.LastIndex(text, ".")]] = id
		for _, seed := range []string{text, foreign, text + ".", text + "=", "eyJhbGciOiJub25lIn0." + strings.Split(text, ".")[1] + "."} {
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, bearer string) {
		got, err := tokens.verify(bearer)
		if err != nil {
			if got != (claims{}) {
				t.Fatalf("%+v, %v", got, err)
			}
			return
		}
		id, genuine := issued[bearer[:strings.LastIndex(bearer, ".")]]
		if !genuine || got != (claims{token: id, user: user.ID, org: user.Org}) {
			t.Fatalf("%q says %+v", bearer, got)
		}
		if again, err := tokens.verify(bearer); err != nil || again != got { // as it is remembered
			t.Fatalf("%q says %+v, %v", bearer, again, err)
		}
	})
}

// fixedToken is the same in every process, but for its signature.
func fixedToken(f *testing.F, by *Tokens, user User, id TokenID) string {
	f.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwtClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: by.deployment, Audience: jwt.ClaimStrings{by.deployment}, Subject: string(user.ID), ID: string(id),
			IssuedAt: jwt.NewNumericDate(by.now()), ExpiresAt: jwt.NewNumericDate(by.now().Add(time.Hour)),
		},
		Metadata: metadata{OrgID: user.Org, UserID: user.ID, TokenID: id},
	}).SignedString(by.key)
	if err != nil {
		f.Fatal(err)
	}
	return text
}
