package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const deployment = "test"

var (
	start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	alice = User{ID: "us-alice", Org: "or-one", Kind: ServiceAccount, Active: true, Permissions: []Permission{KeysExport}}
)

// accounts is the in-memory Accounts of these tests.
type accounts struct {
	tokens map[TokenID]Token
	users  map[UserID]User
	err    error
}

func (a *accounts) TokenOwner(_ context.Context, id TokenID) (Token, User, error) {
	if a.err != nil {
		return Token{}, User{}, a.err
	}
	token, ok := a.tokens[id]
	if !ok {
		return Token{}, User{}, ErrUnknownToken
	}
	return token, a.users[token.User], nil
}

// office is one Authenticator with everything that the tests turn on it.
type office struct {
	*Authenticator
	accounts *accounts
	tokens   *Tokens
	now      time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{now: start, accounts: &accounts{tokens: map[TokenID]Token{}, users: map[UserID]User{alice.ID: alice}}}
	o.tokens = newTokens(t, func() time.Time { return o.now })
	o.Authenticator = NewAuthenticator(o.tokens, o.accounts)
	return o
}

func newTokens(t testing.TB, now func() time.Time) *Tokens {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := NewTokens(key, deployment, now)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func (o *office) issue(t *testing.T) (string, Token) {
	t.Helper()
	text, record, err := o.tokens.Issue(alice, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	o.accounts.tokens[record.ID] = record
	return text, record
}

func TestTokenBecomesItsPrincipal(t *testing.T) {
	o := newOffice(t)
	text, record := o.issue(t)
	p, err := o.Authenticate(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	if p.IsZero() || p.User() != alice.ID || p.Org() != alice.Org || p.Token() != record.ID || p.Kind() != ServiceAccount {
		t.Errorf("got %+v", p)
	}
	if !p.May(KeysExport) || p.May(KeysImport) {
		t.Error("the permissions are not the user's")
	}
}

// The official SDK reads the payload without a library: base64 of the second part.
func TestTokenCarriesTheOrganisationWhereTheSDKLooks(t *testing.T) {
	text, _ := newOffice(t).issue(t)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if want := `"` + metadataClaim + `":{"orgId":"or-one"`; !strings.Contains(string(payload), want) {
		t.Errorf("%s lacks %s", payload, want)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, o *office, text string, record Token) string{
		"no token":      func(*testing.T, *office, string, Token) string { return "" },
		"garbage":       func(*testing.T, *office, string, Token) string { return "a.b.c" },
		"an edited one": func(_ *testing.T, _ *office, text string, _ Token) string { return text[:len(text)-4] + "AAAA" },
		"an expired one": func(_ *testing.T, o *office, text string, _ Token) string {
			o.now = start.Add(time.Hour + time.Second)
			return text
		},
		"a revoked one": func(_ *testing.T, o *office, text string, record Token) string {
			record.RevokedAt = start
			o.accounts.tokens[record.ID] = record
			return text
		},
		"one whose record is gone": func(_ *testing.T, o *office, text string, record Token) string {
			delete(o.accounts.tokens, record.ID)
			return text
		},
		"one whose record names another user": func(_ *testing.T, o *office, text string, record Token) string {
			bob := User{ID: "us-bob", Org: alice.Org, Active: true}
			o.accounts.users[bob.ID] = bob
			record.User = bob.ID
			o.accounts.tokens[record.ID] = record
			return text
		},
		"one whose user changed organisations": func(_ *testing.T, o *office, text string, _ Token) string {
			moved := alice
			moved.Org = "or-two"
			o.accounts.users[alice.ID] = moved
			return text
		},
		"one of another key": func(t *testing.T, o *office, _ string, record Token) string {
			stranger := newTokens(t, o.tokens.now)
			return sign(t, jwt.SigningMethodES256, stranger.key, o.claimsOf(record))
		},
		"one of another deployment": func(t *testing.T, o *office, _ string, record Token) string {
			payload := o.claimsOf(record)
			payload.Issuer = "elsewhere"
			return sign(t, jwt.SigningMethodES256, o.tokens.key, payload)
		},
		"one without expiry": func(t *testing.T, o *office, _ string, record Token) string {
			payload := o.claimsOf(record)
			payload.ExpiresAt = nil
			return sign(t, jwt.SigningMethodES256, o.tokens.key, payload)
		},
		"algorithm none": func(t *testing.T, o *office, _ string, record Token) string {
			return sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, o.claimsOf(record))
		},
		"the public key as an HMAC key": func(t *testing.T, o *office, _ string, record Token) string {
			public, err := o.tokens.key.PublicKey.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return sign(t, jwt.SigningMethodHS256, public, o.claimsOf(record))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			text, record := o.issue(t)
			p, err := o.Authenticate(context.Background(), spoil(t, o, text, record))
			if !errors.Is(err, ErrNotAuthorized) || !p.IsZero() {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}

func (o *office) claimsOf(record Token) jwtClaims {
	return jwtClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: deployment, Audience: jwt.ClaimStrings{deployment}, Subject: string(record.User), ID: string(record.ID),
			ExpiresAt: jwt.NewNumericDate(record.ExpiresAt),
		},
		Metadata: metadata{OrgID: record.Org, UserID: record.User, TokenID: record.ID},
	}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, payload jwtClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(method, payload).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDeactivatedUserIsToldSo(t *testing.T) {
	o := newOffice(t)
	text, _ := o.issue(t)
	off := alice
	off.Active = false
	o.accounts.users[alice.ID] = off
	if _, err := o.Authenticate(context.Background(), text); !errors.Is(err, ErrDeactivated) {
		t.Errorf("got %v", err)
	}
}

func TestStoreTroubleIsNotARefusal(t *testing.T) {
	o := newOffice(t)
	text, _ := o.issue(t)
	o.accounts.err = errors.New("disk on fire")
	_, err := o.Authenticate(context.Background(), text)
	if !errors.Is(err, o.accounts.err) || errors.Is(err, ErrNotAuthorized) {
		t.Errorf("got %v", err)
	}
}

func TestIDsHaveTheFormOfTheAPI(t *testing.T) {
	form := regexp.MustCompile(`^key-[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{14,16}$`)
	seen := map[string]bool{}
	for range 100 {
		id := NewID("key")
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("%s is malformed or repeated", id)
		}
		seen[id] = true
	}
	one, again, other := DeriveID("key", [16]byte{1}), DeriveID("key", [16]byte{1}), DeriveID("key", [16]byte{2})
	if one != again || one == other {
		t.Error("derived ids do not stand for their bytes")
	}
}

func TestTokensNeedAP256Key(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewTokens(key, deployment, time.Now); err == nil {
		t.Error("took a P-384 key")
	}
	if _, err := NewTokens(nil, deployment, time.Now); err == nil {
		t.Error("took no key")
	}
}
