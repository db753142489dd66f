//go:build cgo

package admin_test

import (
	"context"
	"crypto/elliptic"
	"errors"
	"slices"
	"strings"
	"testing"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

func TestCredentialsOfEveryKindAreRegistered(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user, key := b.account(), publicKey(t)
	for _, r := range []admin.Registration{
		{Kind: identity.KeyCredential, PublicKey: key},
		{Kind: identity.KeyCredential, ID: "any/text:ü", PublicKey: key},
		{Kind: identity.Fido2Credential, ID: "c2VjdXJpdHkga2V5", PublicKey: key},
		{Kind: identity.PasswordProtectedCredential, ID: "cGFzc3dvcmQ", PublicKey: key, EncryptedPrivateKey: "LsXVskHYqqrKKxBC9KvqStLEmxak5Y7NaboDDlRSIW4="},
		{Kind: identity.PasswordProtectedCredential, PublicKey: key, EncryptedPrivateKey: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIG\n-----END ENCRYPTED PRIVATE KEY-----"},
	} {
		before := len(b.record())
		c, err := b.Office.AddCredential(ctx, user.ID, r)
		b.leaves(before, audit.Entry{
			Kind: audit.CredentialAdded, Org: user.Org, User: user.ID, Credential: c.ID, Details: map[string]string{"kind": string(r.Kind)},
		}, err)
		if r.ID != "" && c.ID != r.ID || c.ID == "" || c.Kind != r.Kind || c.EncryptedPrivateKey != r.EncryptedPrivateKey || !c.Active {
			t.Errorf("%+v became %+v", r, c)
		}
		stored, err := b.Office.Credentials(ctx, user.ID)
		if err != nil || !slices.Contains(stored, c) {
			t.Errorf("%+v is not among %+v, %v", c, stored, err)
		}
	}
}

func TestRegistrationsThatCouldNeverSignAreRefused(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user, key := b.account(), publicKey(t)
	before := b.record()
	attempts := map[string]error{}
	for label, r := range map[string]admin.Registration{
		"no kind":                             {PublicKey: key},
		"another kind":                        {Kind: "Password", PublicKey: key},
		"a kind in another case":              {Kind: "fido2", ID: "aWQ", PublicKey: key},
		"an authenticator without an id":      {Kind: identity.Fido2Credential, PublicKey: key},
		"an authenticator's id with padding":  {Kind: identity.Fido2Credential, ID: "aWQ=", PublicKey: key},
		"an authenticator's id in base64":     {Kind: identity.Fido2Credential, ID: "+/+/", PublicKey: key},
		"an authenticator's id of two forms":  {Kind: identity.Fido2Credential, ID: "aWR", PublicKey: key},
		"an authenticator's id with a line":   {Kind: identity.Fido2Credential, ID: "aW\nQ", PublicKey: key},
		"an authenticator's id that is long":  {Kind: identity.Fido2Credential, ID: identity.CredentialID(strings.Repeat("A", 1368)), PublicKey: key},
		"an authenticator's P-384 key":        {Kind: identity.Fido2Credential, ID: "aWQ", PublicKey: publicKeyOn(t, elliptic.P384())},
		"an id with a blank":                  {Kind: identity.KeyCredential, ID: "a b", PublicKey: key},
		"an id with a control character":      {Kind: identity.KeyCredential, ID: "a\x00", PublicKey: key},
		"an id that is not UTF-8":             {Kind: identity.KeyCredential, ID: "a\xff", PublicKey: key},
		"an encrypted key for a key":          {Kind: identity.KeyCredential, PublicKey: key, EncryptedPrivateKey: "x"},
		"an encrypted key for a security key": {Kind: identity.Fido2Credential, ID: "aWQ", PublicKey: key, EncryptedPrivateKey: "x"},
		"no encrypted key":                    {Kind: identity.PasswordProtectedCredential, PublicKey: key},
		"a key that is not encrypted":         {Kind: identity.PasswordProtectedCredential, PublicKey: key, EncryptedPrivateKey: "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----"},
		"a SEC1 key that is not encrypted":    {Kind: identity.PasswordProtectedCredential, PublicKey: key, EncryptedPrivateKey: "-----BEGIN EC PRIVATE KEY-----\nMC4"},
		"an encrypted key that is too long":   {Kind: identity.PasswordProtectedCredential, PublicKey: key, EncryptedPrivateKey: strings.Repeat("x", 16<<10+1)},
	} {
		_, attempts[label] = b.Office.AddCredential(ctx, user.ID, r)
	}
	b.refused(nil, attempts, before)
	if err := attempts["an authenticator's P-384 key"]; !errors.Is(err, useraction.ErrPublicKey) {
		t.Error(err)
	}
}

func TestCredentialIDsAreTakenOnceInAnOrganisation(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user, r := b.account(), admin.Registration{Kind: identity.Fido2Credential, ID: "aWQ", PublicKey: publicKey(t)}
	if _, err := b.Office.AddCredential(ctx, user.ID, r); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Office.AddCredential(ctx, user.ID, r); !errors.Is(err, admin.ErrExists) {
		t.Errorf("got %v", err)
	}
}

// Who takes the right to export from an account means it, whatever it was called when
// it was given.
func TestARevokedPermissionIsGoneUnderEveryName(t *testing.T) {
	b, ctx := newBureau(t), context.Background()
	user := b.account()
	for _, revoked := range []identity.Permission{identity.KeysExport, identity.WalletsExport} {
		b.must(b.Office.Grant(ctx, user.ID, identity.KeysExport, identity.WalletsExport, identity.KeysRead))
		if got := b.stored(user).Permissions; !slices.Contains(got, identity.WalletsExport) || !slices.Contains(got, identity.KeysExport) {
			t.Errorf("granted %v", got)
		}
		b.must(b.Office.Revoke(ctx, user.ID, revoked))
		if got := b.stored(user); got.May(identity.KeysExport) || !got.May(identity.KeysRead) {
			t.Errorf("revoking %s leaves %v", revoked, got.Permissions)
		}
	}
}
