//go:build cgo

package node_test

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/admin"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/store"
	"keyferry/server/useraction"
	"keyferry/test/authenticator"
)

// securityKey registers a credential of the account's in an authenticator.
func (c *cluster) securityKey(t *testing.T) *authenticator.Authenticator {
	t.Helper()
	a := authenticator.NewP256(t, "keys.example", "https://keys.example")
	_, err := c.Office.AddCredential(context.Background(), c.User.ID, admin.Registration{
		Kind: identity.Fido2Credential, ID: identity.CredentialID(a.ID), PublicKey: a.PublicKey(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// signExportWith answers a fresh challenge for an export with the authenticator.
func (c *cluster) signExportWith(t *testing.T, a *authenticator.Authenticator) useraction.Signed {
	t.Helper()
	action := c.signExport(t)
	by := a.Assert(t, action.Input.Challenge())
	action.Credential, action.Kind = identity.CredentialID(a.ID), identity.Fido2Credential
	action.ClientData, action.AuthenticatorData, action.Signature = by.ClientData, by.AuthenticatorData, by.Signature
	return action
}

func TestExportTakesASecurityKeysConsent(t *testing.T) {
	c := newCluster(t, 2)
	action := c.signExportWith(t, c.securityKey(t))
	if share, err := c.export(action); err != nil || len(share.Ciphertext) != 281 {
		t.Fatalf("%d bytes, %v", len(share.Ciphertext), err)
	}
	if _, err := c.export(action); err != nil {
		t.Errorf("a retry: %v", err)
	}
}

func TestExportTakesAWalletsPath(t *testing.T) {
	c := newCluster(t, 2)
	path := "/wallets/" + string(c.key.Wallet()) + "/export"
	if _, err := c.export(c.Sign(t, path, c.exportBody(t))); err != nil {
		t.Error(err)
	}
}

func TestOneChallengeAssertedTwiceIsTwoUses(t *testing.T) {
	c := newCluster(t, 2)
	a := c.securityKey(t)
	a.Counts = false
	action := c.signExportWith(t, a)
	if _, err := c.export(action); err != nil {
		t.Fatal(err)
	}
	a.Flags |= authenticator.BackupEligible // all else stays as it was
	by := a.Assert(t, action.Input.Challenge())
	action.AuthenticatorData, action.Signature = by.AuthenticatorData, by.Signature
	if _, err := c.export(action); !errors.Is(err, signer.ErrReplayed) {
		t.Errorf("got %v", err)
	}
}

func TestNodeRefusesASecurityKeysAssertion(t *testing.T) {
	c := newCluster(t, 2)
	for name, spoil := range map[string]func(a *authenticator.Authenticator){
		"to another relying party":  func(a *authenticator.Authenticator) { a.RelyingParty = "evil.example" },
		"from another page":         func(a *authenticator.Authenticator) { a.Origin = "https://evil.example" },
		"by a user not verified":    func(a *authenticator.Authenticator) { a.Flags = authenticator.UserPresent },
		"by a user who is not here": func(a *authenticator.Authenticator) { a.Flags = authenticator.UserVerified },
	} {
		a := c.securityKey(t)
		spoil(a)
		if _, err := c.export(c.signExportWith(t, a)); !errors.Is(err, signer.ErrConsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := c.securityKey(t)
	stranger := authenticator.NewP256(t, "keys.example", "https://keys.example")
	stranger.ID = a.ID
	if _, err := c.export(c.signExportWith(t, stranger)); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("with another key: %v", err)
	}
	c.Nodes[0].Trust = store.Trust{Server: c.Store}
	if _, err := c.export(c.signExportWith(t, a)); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("at a node that trusts no relying party: %v", err)
	}
}
