//go:build cgo

package admin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/test/rig"
)

// bureau is an operator's office on a real store, which nobody has used yet.
type bureau struct {
	*rig.Rig
	t *testing.T
}

func newBureau(t *testing.T) bureau { return bureau{rig.New(t, 0), t} }

func (b bureau) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// account makes an organisation with one service account.
func (b bureau) account() identity.User {
	b.t.Helper()
	org, err := b.Office.CreateOrganisation(context.Background(), "Acme")
	b.must(err)
	user, err := b.Office.CreateServiceAccount(context.Background(), org.ID, "robot")
	b.must(err)
	return user
}

// stored is the account as the store has it now.
func (b bureau) stored(user identity.User) identity.User {
	b.t.Helper()
	list, err := b.Office.Accounts(context.Background(), user.Org)
	b.must(err)
	if len(list) != 1 || list[0].ID != user.ID {
		b.t.Fatalf("the organisation has the accounts %+v", list)
	}
	return list[0]
}

// record is the whole audit record.
func (b bureau) record() []audit.Entry {
	b.t.Helper()
	stored, err := b.Store.Entries(context.Background(), 0, 10_000)
	b.must(err)
	entries := make([]audit.Entry, len(stored))
	for i, s := range stored {
		b.must(json.Unmarshal(s.Canonical, &entries[i]))
	}
	return entries
}

func publicKey(t *testing.T) string {
	t.Helper()
	return publicKeyOn(t, elliptic.P256())
}

func publicKeyOn(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// leaves checks that a change succeeded and that exactly this entry records it, behind
// those that were there before.
func (b bureau) leaves(before int, want audit.Entry, err error) {
	b.t.Helper()
	b.must(err)
	after := b.record()
	if len(after) != before+1 {
		b.t.Fatalf("%s left %d entries", want.Kind, len(after)-before)
	}
	got := after[before]
	if age := b.Clock.Now().Sub(got.Time.Time()); age < 0 || age > time.Minute {
		b.t.Errorf("%s was recorded %v ago", want.Kind, age)
	}
	want.Version, want.Time = audit.SchemaVersion, got.Time
	if !reflect.DeepEqual(got, want) {
		b.t.Errorf("recorded %+v, want %+v", got, want)
	}
}

// These are all the changes that the package can make.
func TestEveryChangeLeavesItsOwnEntry(t *testing.T) {
	type details = map[string]string
	b, ctx := newBureau(t), context.Background()
	org, err := b.Office.CreateOrganisation(ctx, "Acme")
	b.leaves(0, audit.Entry{Kind: audit.OrganisationMade, Org: org.ID, Details: details{"name": "Acme"}}, err)
	err = b.Office.ActivateExport(ctx, org.ID, "addendum 7")
	b.leaves(1, audit.Entry{Kind: audit.ExportActivated, Org: org.ID, Details: details{"reference": "addendum 7"}}, err)
	err = b.Office.DeactivateExport(ctx, org.ID)
	b.leaves(2, audit.Entry{Kind: audit.ExportDeactivated, Org: org.ID}, err)

	user, err := b.Office.CreateServiceAccount(ctx, org.ID, "robot")
	made := details{"name": "robot", "kind": "ServiceAccount"}
	b.leaves(3, audit.Entry{Kind: audit.UserMade, Org: org.ID, User: user.ID, Details: made}, err)
	err = b.Office.Grant(ctx, user.ID, identity.KeysRead, identity.KeysExport)
	granted := details{"granted": "Keys:Read Keys:Export"}
	b.leaves(4, audit.Entry{Kind: audit.PermissionsChanged, Org: org.ID, User: user.ID, Details: granted}, err)
	err = b.Office.Revoke(ctx, user.ID, identity.KeysExport)
	b.leaves(5, audit.Entry{Kind: audit.PermissionsChanged, Org: org.ID, User: user.ID, Details: details{"revoked": "Keys:Export"}}, err)
	err = b.Office.SetActive(ctx, user.ID, false)
	b.leaves(6, audit.Entry{Kind: audit.UserChanged, Org: org.ID, User: user.ID, Details: details{"active": "false"}}, err)

	credential, err := b.Office.AddKeyCredential(ctx, user.ID, publicKey(t))
	kind := details{"kind": "Key"}
	b.leaves(7, audit.Entry{Kind: audit.CredentialAdded, Org: org.ID, User: user.ID, Credential: credential.ID, Details: kind}, err)
	err = b.Office.RevokeCredential(ctx, org.ID, credential.ID)
	b.leaves(8, audit.Entry{Kind: audit.CredentialRevoked, Org: org.ID, Credential: credential.ID}, err)
	_, token, err := b.Office.IssueToken(ctx, user.ID, time.Hour)
	b.leaves(9, audit.Entry{Kind: audit.TokenIssued, Org: org.ID, User: user.ID, Token: token.ID}, err)
	err = b.Office.RevokeToken(ctx, token.ID)
	b.leaves(10, audit.Entry{Kind: audit.TokenRevoked, Token: token.ID}, err)
}

func TestExportIsActivatedByHandAndCanBeTakenBack(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	org, err := b.Office.CreateOrganisation(ctx, "Acme")
	b.must(err)
	activation := func() *identity.Activation {
		list, err := b.Office.Organisations(ctx)
		b.must(err)
		if len(list) != 1 || list[0].ID != org.ID || list[0].Name != "Acme" {
			t.Fatalf("listed %+v", list)
		}
		return list[0].Export
	}
	if activation() != nil {
		t.Error("a new organisation may export")
	}
	b.must(b.Office.ActivateExport(ctx, org.ID, "addendum 7"))
	if a := activation(); a == nil || a.Reference != "addendum 7" || a.At.IsZero() {
		t.Errorf("activated: %+v", a)
	}
	b.must(b.Office.DeactivateExport(ctx, org.ID))
	if activation() != nil {
		t.Error("still activated")
	}
}

func TestPermissionsAreASetThatStartsEmpty(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user := b.account()
	if got := b.stored(user); len(got.Permissions) > 0 || !got.Active || got.Kind != identity.ServiceAccount || got.Name != "robot" {
		t.Errorf("made %+v", got)
	}
	b.must(b.Office.Grant(ctx, user.ID, identity.KeysRead, identity.KeysExport))
	b.must(b.Office.Grant(ctx, user.ID, identity.KeysRead))
	if got := b.stored(user).Permissions; !slices.Equal(got, []identity.Permission{identity.KeysExport, identity.KeysRead}) {
		t.Errorf("granted twice: %v", got)
	}
	b.must(b.Office.Revoke(ctx, user.ID, identity.KeysExport, identity.KeysImport))
	if got := b.stored(user).Permissions; !slices.Equal(got, []identity.Permission{identity.KeysRead}) {
		t.Errorf("after taking one: %v", got)
	}
}

func TestARevokedCredentialStaysListedAndInactive(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user, text := b.account(), publicKey(t)
	made, err := b.Office.AddKeyCredential(ctx, user.ID, text)
	b.must(err)
	b.must(b.Office.RevokeCredential(ctx, user.Org, made.ID))
	made.Active = false
	if list, err := b.Office.Credentials(ctx, user.ID); err != nil || len(list) != 1 || list[0] != made || made.PublicKey != text {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestATokenIsGoodUntilItOrItsAccountIsEnded(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user := b.account()
	text, token, err := b.Office.IssueToken(ctx, user.ID, time.Hour)
	b.must(err)
	if p, err := b.Auth.Authenticate(ctx, text); err != nil || p.User() != user.ID || p.Org() != user.Org || p.Token() != token.ID {
		t.Errorf("a good token: %+v, %v", p, err)
	}
	b.must(b.Office.SetActive(ctx, user.ID, false))
	if _, err := b.Auth.Authenticate(ctx, text); !errors.Is(err, identity.ErrDeactivated) {
		t.Errorf("of an account that is off: %v", err)
	}
	b.must(b.Office.SetActive(ctx, user.ID, true))
	b.must(b.Office.RevokeToken(ctx, token.ID))
	if _, err := b.Auth.Authenticate(ctx, text); !errors.Is(err, identity.ErrNotAuthorized) {
		t.Errorf("a revoked token: %v", err)
	}
}
