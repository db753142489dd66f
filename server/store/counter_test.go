package store

import (
	"context"
	"encoding/binary"
	"errors"
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

// counted is an action that a security key with the counter signed.
func (o *office) counted(id identity.CredentialID, counter uint32) useraction.Action {
	a := o.action("{}")
	a.Kind, a.Credential = identity.Fido2Credential, id
	a.AuthenticatorData = binary.BigEndian.AppendUint32(make([]byte, 33), counter)
	return a
}

func TestCounterMustGrow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		for i, c := range []struct {
			counter uint32
			taken   bool
		}{{0, true}, {0, true}, {4, true}, {4, false}, {3, false}, {0, false}, {5, true}, {1<<32 - 1, true}, {1<<32 - 1, false}} {
			a := o.counted("key", c.counter)
			err := o.AddAction(context.Background(), a)
			if (err == nil) != c.taken || err != nil && !errors.Is(err, useraction.ErrCounter) {
				t.Errorf("number %d, counter %d: %v", i, c.counter, err)
			}
			if _, err := o.ActionByToken(context.Background(), a.TokenHash); (err == nil) != c.taken {
				t.Errorf("number %d: its token: %v", i, err)
			}
		}
		if got := o.recorded(audit.ActionSigned); got != 5 {
			t.Errorf("%d recorded as signed", got)
		}
	})
}

// Nothing is left of an answer that was refused, so that its challenge can be answered.
func TestChallengeIsGoodAfterAnAnswerThatWasNotStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		o.must(o.AddAction(context.Background(), o.counted("key", 4)))
		a, stale := o.counted("key", 5), o.counted("key", 4)
		stale.Input = a.Input
		if err := o.AddAction(context.Background(), stale); !errors.Is(err, useraction.ErrCounter) {
			t.Errorf("a counter that did not grow: %v", err)
		}
		execute(t, o.database, `ALTER TABLE audit_state RENAME TO elsewhere`)
		if err := o.AddAction(context.Background(), a); err == nil {
			t.Error("stored without a record")
		}
		execute(t, o.database, `ALTER TABLE elsewhere RENAME TO audit_state`)
		if _, err := o.stored(a.ID().String()); !errors.Is(err, useraction.ErrNoAction) {
			t.Errorf("something is left: %v", err)
		}
		if err := o.AddAction(context.Background(), a); err != nil || o.recorded(audit.ActionSigned) != 2 {
			t.Errorf("the same, when it can be recorded: %v", err)
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
			if err := by.office.AddAction(context.Background(), by.office.counted(by.id, 7)); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		if err := o.AddAction(context.Background(), o.counted("none", 8)); !errors.Is(err, useraction.ErrCounter) {
			t.Errorf("a credential that is not there: %v", err)
		}
	})
}

func TestOfTwoWithOneCounterOneWins(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		var all sync.WaitGroup
		var won atomic.Int64
		for range 8 {
			a := o.counted("key", 1)
			all.Go(func() {
				if err := o.AddAction(context.Background(), a); err == nil {
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

func TestAuthenticatorDataAndEncryptedKeyComeBackAsTheyWere(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.securityKey("key")
		signed := o.counted("key", 9)
		o.must(o.AddAction(context.Background(), signed))
		a, err := o.ActionByToken(context.Background(), signed.TokenHash)
		if diff := cmp.Diff(signed, a); err != nil || diff != "" {
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
