package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/useraction"

	"github.com/google/go-cmp/cmp"
)

// securityKey gives the office's user a credential in an authenticator.
func (o *office) securityKey(id identity.CredentialID) {
	o.t.Helper()
	o.must(o.AddCredential(context.Background(), identity.Credential{
		ID: id, Org: o.org, User: o.user, Kind: identity.Fido2Credential, PublicKey: "PEM", Active: true, CreatedAt: o.tick(),
	}, entry(audit.CredentialAdded)))
}

// counted is an assertion of a security key with the counter.
func (o *office) counted(id identity.CredentialID, counter uint32, token string) useraction.Assertion {
	by := o.assertion(token)
	by.Kind, by.Credential = identity.Fido2Credential, id
	by.AuthenticatorData = binary.BigEndian.AppendUint32(make([]byte, 33), counter)
	return by
}

func (o *office) complete(by useraction.Assertion) (id string, err error) {
	o.t.Helper()
	a := o.action("{}")
	o.must(o.AddAction(context.Background(), a))
	return a.ID, o.CompleteAction(context.Background(), a.ID, by)
}

func TestCounterMustGrow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		for i, c := range []struct {
			counter uint32
			taken   bool
		}{{0, true}, {0, true}, {4, true}, {4, false}, {3, false}, {0, false}, {5, true}, {1<<32 - 1, true}, {1<<32 - 1, false}} {
			token := strings.Repeat("t", i+1)
			id, err := o.complete(o.counted("key", c.counter, token))
			if (err == nil) != c.taken || err != nil && !errors.Is(err, useraction.ErrCounter) {
				t.Errorf("number %d, counter %d: %v", i, c.counter, err)
			}
			if a, err := o.ActionByID(context.Background(), id); err != nil || (a.Signed != nil) != c.taken {
				t.Errorf("number %d: the action is %+v, %v", i, a, err)
			}
			if _, err := o.ActionByToken(context.Background(), sha256.Sum256([]byte(token))); (err == nil) != c.taken {
				t.Errorf("number %d: its token: %v", i, err)
			}
		}
		if got := o.recorded(audit.ActionSigned); got != 5 {
			t.Errorf("%d recorded as signed", got)
		}
	})
}

func TestCountersAreTheirCredentialsOwn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		o.securityKey("one")
		o.securityKey("two")
		other.securityKey("one")
		for i, by := range []struct {
			office *office
			id     identity.CredentialID
		}{{o, "one"}, {o, "two"}, {other, "one"}} {
			if _, err := by.office.complete(by.office.counted(by.id, 7, strings.Repeat("x", i+1))); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if _, err := o.complete(o.counted("none", 8, "y")); !errors.Is(err, useraction.ErrCounter) {
			t.Errorf("a credential that is not there: %v", err)
		}
	})
}

func TestOfTwoWithOneCounterOneWins(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		var ids []string
		for range 8 {
			a := o.action("{}")
			o.must(o.AddAction(context.Background(), a))
			ids = append(ids, a.ID)
		}
		var all sync.WaitGroup
		var won atomic.Int64
		for _, id := range ids {
			by := o.counted("key", 1, id)
			all.Go(func() {
				if err := o.CompleteAction(context.Background(), id, by); err == nil {
					won.Add(1)
				} else if !errors.Is(err, useraction.ErrCounter) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d won", won.Load())
		}
	})
}

func TestAssertionAndEncryptedKeyComeBackAsTheyWere(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		by := o.counted("key", 9, "token")
		id, err := o.complete(by)
		o.must(err)
		a, err := o.ActionByID(context.Background(), id)
		if diff := cmp.Diff(&by, a.Signed); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		want := identity.Credential{
			ID: "pw", Org: o.org, User: o.user, Kind: identity.PasswordProtectedCredential, PublicKey: "PEM",
			EncryptedPrivateKey: "LsXV+/=\nü", Active: true, CreatedAt: o.tick(),
		}
		o.must(o.AddCredential(context.Background(), want, entry(audit.CredentialAdded)))
		got, err := o.Credential(context.Background(), o.org, want.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
