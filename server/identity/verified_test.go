package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"
)

func (o *office) mustAuthenticate(t *testing.T, text string) {
	t.Helper()
	if _, err := o.Authenticate(context.Background(), text); err != nil {
		t.Fatal(err)
	}
}

func (o *office) known(text string) bool {
	_, known := o.tokens.verified.Get(sha256.Sum256([]byte(text)))
	return known
}

func TestVerifiedTokenIsRememberedAndAcceptedAgain(t *testing.T) {
	o := newOffice(t)
	text, record := o.issue(t)
	for range 2 {
		p, err := o.Authenticate(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		if p.Token() != record.ID || p.User() != alice.ID || p.Org() != alice.Org {
			t.Errorf("got %+v", p)
		}
		if !o.known(text) {
			t.Error("the token was not remembered")
		}
	}
}

func TestRememberedTokenExpiresAndIsRevoked(t *testing.T) {
	for name, end := range map[string]func(o *office, record Token){
		"at its expiry": func(o *office, record Token) { o.now = record.ExpiresAt },
		"long after it": func(o *office, record Token) { o.now = record.ExpiresAt.Add(time.Hour) },
		"revoked": func(o *office, record Token) {
			record.RevokedAt = o.now
			o.accounts.tokens[record.ID] = record
		},
		"of a token that is gone": func(o *office, record Token) { delete(o.accounts.tokens, record.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			text, record := o.issue(t)
			o.mustAuthenticate(t, text)
			end(o, record)
			if _, err := o.Authenticate(context.Background(), text); !errors.Is(err, ErrNotAuthorized) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// An edited token shares nothing with the one that was verified, not even where the
// decoded signature would be the same.
func TestEditedTokenIsNotTakenForTheRememberedOne(t *testing.T) {
	o := newOffice(t)
	text, _ := o.issue(t)
	o.mustAuthenticate(t, text)
	for _, edited := range []string{text + "=", text + " ", text[:len(text)-4] + "AAAA", "x" + text} {
		if _, err := o.Authenticate(context.Background(), edited); !errors.Is(err, ErrNotAuthorized) {
			t.Errorf("got %v", err)
		}
		if o.known(edited) {
			t.Error("a token that was refused is remembered")
		}
	}
}
