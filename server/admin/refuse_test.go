//go:build cgo

package admin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// refused checks that each of these fails as wanted, with nil for any error, and that
// none of them leaves a trace.
func (b bureau) refused(want error, attempts map[string]error, before []audit.Entry) {
	b.t.Helper()
	for name, err := range attempts {
		if err == nil || want != nil && !errors.Is(err, want) {
			b.t.Errorf("%s: %v", name, err)
		}
	}
	if after := b.record(); len(after) != len(before) {
		b.t.Errorf("refusals left %+v", after[len(before):])
	}
}

func TestImpossibleInputIsRefused(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user := b.account()
	before := b.record()
	attempts := map[string]error{
		"an activation without a reference": b.Office.ActivateExport(ctx, user.Org, " \t"),
		"granting nothing":                  b.Office.Grant(ctx, user.ID),
		"granting an unknown permission":    b.Office.Grant(ctx, user.ID, identity.KeysRead, "Keys:Destroy"),
		"granting in another case":          b.Office.Grant(ctx, user.ID, "keys:read"),
		"granting two in one":               b.Office.Grant(ctx, user.ID, "Keys:Read Keys:Export"),
		"revoking nothing":                  b.Office.Revoke(ctx, user.ID),
		"revoking an unknown permission":    b.Office.Revoke(ctx, user.ID, "*"),
	}
	for label, name := range map[string]string{"empty": "", "blank": " \n", "too long": strings.Repeat("a", 201)} {
		_, attempts["an organisation with a name that is "+label] = b.Office.CreateOrganisation(ctx, name)
		_, attempts["an account with a name that is "+label] = b.Office.CreateServiceAccount(ctx, user.Org, name)
	}
	for label, lifetime := range map[string]time.Duration{"no": 0, "a negative": -time.Hour} {
		_, _, attempts["a token with "+label+" life time"] = b.Office.IssueToken(ctx, user.ID, lifetime)
	}
	b.refused(nil, attempts, before)
	if got := b.stored(user); len(got.Permissions) > 0 {
		t.Errorf("the account now has %v", got.Permissions)
	}
}

func TestWhatIsNoPublicKeyIsNoCredential(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user, good := b.account(), publicKey(t)
	before := b.record()
	attempts := map[string]error{}
	for label, text := range map[string]string{
		"nothing": "", "no PEM": "hello", "two keys": good + good, "cut": good[:len(good)/2],
		"a private key": strings.ReplaceAll(good, "PUBLIC KEY", "PRIVATE KEY"),
	} {
		_, attempts[label] = b.Office.AddKeyCredential(ctx, user.ID, text)
	}
	b.refused(useraction.ErrPublicKey, attempts, before)
	if list, err := b.Office.Credentials(ctx, user.ID); err != nil || len(list) > 0 {
		t.Errorf("the account now has %+v, %v", list, err)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user := b.account()
	credential, err := b.Office.AddKeyCredential(ctx, user.ID, publicKey(t))
	b.must(err)
	stranger, err := b.Office.CreateOrganisation(ctx, "Other")
	b.must(err)
	before := b.record()
	attempts := map[string]error{
		"activating an organisation":      b.Office.ActivateExport(ctx, "or-none", "addendum 7"),
		"deactivating an organisation":    b.Office.DeactivateExport(ctx, "or-none"),
		"switching an account":            b.Office.SetActive(ctx, "us-none", false),
		"granting to an account":          b.Office.Grant(ctx, "us-none", identity.KeysRead),
		"revoking from an account":        b.Office.Revoke(ctx, "us-none", identity.KeysRead),
		"revoking a credential":           b.Office.RevokeCredential(ctx, user.Org, "cr-none"),
		"revoking another organisation's": b.Office.RevokeCredential(ctx, stranger.ID, credential.ID),
		"revoking a token":                b.Office.RevokeToken(ctx, "to-none"),
	}
	_, attempts["an account of an organisation"] = b.Office.CreateServiceAccount(ctx, "or-none", "robot")
	_, attempts["listing an account's credentials"] = b.Office.Credentials(ctx, "us-none")
	_, attempts["a credential of an account"] = b.Office.AddKeyCredential(ctx, "us-none", publicKey(t))
	_, _, attempts["a token of an account"] = b.Office.IssueToken(ctx, "us-none", time.Hour)
	b.refused(admin.ErrNotFound, attempts, before)
	if list, err := b.Office.Credentials(ctx, user.ID); err != nil || len(list) != 1 || !list[0].Active {
		t.Errorf("the credential is now %+v, %v", list, err)
	}
}

// overtaken is a registry in which something happens between reading a user and
// changing it.
type overtaken struct {
	admin.Registry
	meanwhile func()
}

func (o *overtaken) User(ctx context.Context, id identity.UserID) (identity.User, error) {
	user, err := o.Registry.User(ctx, id)
	if act := o.meanwhile; act != nil {
		o.meanwhile = nil
		act()
	}
	return user, err
}

func TestAGrantDoesNotUndoADeactivation(t *testing.T) {
	r := rig.New(t, 0)
	ctx := context.Background()
	user := r.Account(t, r.Organisation(t), identity.KeysRead).User.ID
	registry := &overtaken{Registry: r.Store, meanwhile: func() {
		if err := r.Office.SetActive(ctx, user, false); err != nil {
			t.Error(err)
		}
	}}
	if err := admin.New(registry, nil, time.Now).Grant(ctx, user, identity.KeysImport); err != nil {
		t.Fatal(err)
	}
	after, err := r.Store.User(ctx, user)
	if err != nil || after.Active || !after.May(identity.KeysImport) {
		t.Errorf("got %+v, %v", after, err)
	}
}
