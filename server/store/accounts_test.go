package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer/node"

	"github.com/google/go-cmp/cmp"
)

func TestOrganisationsAreListedAsTheyWereAdded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		want := []identity.Organisation{
			{ID: "or-1", Name: "first", CreatedAt: start},
			{ID: "or-0", Name: "sécond", CreatedAt: start.Add(time.Hour), Export: &identity.Activation{Reference: "A-7", At: start}},
		}
		for _, o := range want {
			if err := s.AddOrganisation(context.Background(), o, entry(audit.OrganisationMade)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Organisations(context.Background())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestActivationIsSetAndTakenBack(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		want := &identity.Activation{Reference: "addendum 1", At: o.tick()}
		o.must(o.SetActivation(context.Background(), o.org, want, entry(audit.ExportActivated)))
		got, err := o.Organisation(context.Background(), o.org)
		if diff := cmp.Diff(want, got.Export); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		o.must(o.SetActivation(context.Background(), o.org, nil, entry(audit.ExportDeactivated)))
		if got, err := o.Organisation(context.Background(), o.org); err != nil || got.Export != nil {
			t.Errorf("still active: %+v, %v", got.Export, err)
		}
		if o.recorded(audit.ExportActivated) != 1 || o.recorded(audit.ExportDeactivated) != 1 {
			t.Error("not recorded")
		}
	})
}

func TestUserChangesInActivityAndPermissionsOnly(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		before, err := o.User(context.Background(), o.user)
		o.must(err)
		change := before
		change.Active, change.Permissions, change.Name = false, []identity.Permission{identity.KeysRead}, "another"
		o.must(o.UpdateUser(context.Background(), before, change, entry(audit.UserChanged)))
		change.Name = before.Name
		list, err := o.Users(context.Background(), o.org)
		if diff := cmp.Diff([]identity.User{change}, list); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if err := o.UpdateUser(context.Background(), before, before, entry(audit.UserChanged)); !errors.Is(err, admin.ErrChanged) {
			t.Errorf("a change that was overtaken undid another: %v", err)
		}
		change.Org = "or-other"
		if err := o.UpdateUser(context.Background(), change, change, entry(audit.UserChanged)); !errors.Is(err, admin.ErrChanged) {
			t.Errorf("changed another organisation's user: %v", err)
		}
	})
}

func TestWhatIsMissingIsNotFound(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		ctx := context.Background()
		_, userErr := o.User(ctx, "us-none")
		_, orgErr := o.Organisation(ctx, "or-none")
		_, trustErr := o.Credential(ctx, "or-none", o.credential)
		_, _, tokenErr := o.TokenOwner(ctx, "to-none")
		for name, c := range map[string]struct{ got, want error }{
			"user":                      {userErr, admin.ErrNotFound},
			"organisation":              {orgErr, admin.ErrNotFound},
			"other's credential":        {trustErr, node.ErrNoCredential},
			"token":                     {tokenErr, identity.ErrUnknownToken},
			"user's organisation":       {o.AddUser(ctx, identity.User{ID: "us-1", Org: "or-none"}, entry(audit.UserMade)), admin.ErrNotFound},
			"user to change":            {o.UpdateUser(ctx, identity.User{ID: "us-none", Org: o.org}, identity.User{}, entry(audit.UserChanged)), admin.ErrChanged},
			"credential's user":         {o.AddCredential(ctx, identity.Credential{ID: "cr-1", Org: o.org, User: "us-none"}, entry(audit.CredentialAdded)), admin.ErrNotFound},
			"credential to revoke":      {o.RevokeCredential(ctx, "or-none", o.credential, entry(audit.CredentialRevoked)), admin.ErrNotFound},
			"token's user":              {o.AddToken(ctx, identity.Token{ID: "to-1", Org: "or-none", User: o.user}, entry(audit.TokenIssued)), admin.ErrNotFound},
			"token to revoke":           {o.RevokeToken(ctx, "to-none", start, entry(audit.TokenRevoked)), admin.ErrNotFound},
			"organisation to (de)activ": {o.SetActivation(ctx, "or-none", nil, entry(audit.ExportDeactivated)), admin.ErrNotFound},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: got %v", name, c.got)
			}
		}
		if got := len(verifiedLog(t, o.Server)); got != 3 {
			t.Errorf("%d entries: something that failed is recorded", got)
		}
	})
}

func TestCredentialIDIsTakenOncePerOrganisation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		again := identity.Credential{ID: o.credential, Org: o.org, User: o.user, Kind: identity.KeyCredential, PublicKey: "evil", Active: true, CreatedAt: start}
		if err := o.AddCredential(context.Background(), again, entry(audit.CredentialAdded)); !errors.Is(err, admin.ErrExists) {
			t.Errorf("got %v", err)
		}
		again.Org, again.User = other.org, other.user
		o.must(o.AddCredential(context.Background(), again, entry(audit.CredentialAdded)))
		mine, err := o.Credential(context.Background(), o.org, o.credential)
		if err != nil || mine.PublicKey != "PEM" || mine.User != o.user {
			t.Errorf("got %+v, %v", mine, err)
		}
	})
}

func TestRevokedCredentialIsListedAsSuch(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		second := identity.Credential{ID: "aaa", Org: o.org, User: o.user, Kind: identity.KeyCredential, PublicKey: "2", Active: true, CreatedAt: o.tick()}
		o.must(o.AddCredential(context.Background(), second, entry(audit.CredentialAdded)))
		o.must(o.RevokeCredential(context.Background(), o.org, o.credential, entry(audit.CredentialRevoked)))
		list, err := o.CredentialsOf(context.Background(), o.org, o.user)
		if err != nil || len(list) != 2 || list[0].ID != o.credential || list[0].Active || !cmp.Equal(list[1], second) {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

func TestTokenOwnerSeesRevocationAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		want := identity.Token{ID: "to-1", Org: o.org, User: o.user, CreatedAt: start, ExpiresAt: start.Add(time.Hour)}
		o.must(o.AddToken(context.Background(), want, entry(audit.TokenIssued)))
		token, user, err := o.TokenOwner(context.Background(), want.ID)
		if diff := cmp.Diff(want, token); err != nil || diff != "" || user.ID != o.user || !user.May(identity.KeysExport) {
			t.Errorf("%+v, %v\n%s", user, err, diff)
		}
		at := o.tick()
		o.must(o.RevokeToken(context.Background(), want.ID, at, entry(audit.TokenRevoked)))
		o.must(o.RevokeToken(context.Background(), want.ID, o.tick(), entry(audit.TokenRevoked)))
		if token, _, err := o.TokenOwner(context.Background(), want.ID); err != nil || !token.RevokedAt.Equal(at) {
			t.Errorf("revoked at %v, %v", token.RevokedAt, err)
		}
	})
}

func TestEditedUserIsAnErrorThatNamesIt(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		for _, edit := range []string{`permissions = 'Keys:Everything'`, `kind = 'Root'`} {
			o := newOffice(t, e)
			execute(t, o.database, `UPDATE users SET `+edit)
			_, err := o.User(context.Background(), o.user)
			if err == nil || errors.Is(err, admin.ErrNotFound) || !strings.Contains(err.Error(), string(o.user)) {
				t.Errorf("%s: got %v", edit, err)
			}
		}
	})
}
