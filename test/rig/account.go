//go:build cgo

package rig

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// Account is a service account that signs with an Ed25519 key.
type Account struct {
	rig        *Rig
	User       identity.User
	Credential identity.Credential
	Token      string
	key        ed25519.PrivateKey
}

// Organisation makes an organisation, with key export activated.
func (r *Rig) Organisation(t testing.TB) identity.OrgID {
	t.Helper()
	org, err := r.Office.CreateOrganisation(context.Background(), "Test")
	must(t, err)
	must(t, r.Office.ActivateExport(context.Background(), org.ID, "addendum 1"))
	return org.ID
}

// Account makes an account with the permissions.
func (r *Rig) Account(t testing.TB, org identity.OrgID, permissions ...identity.Permission) *Account {
	t.Helper()
	ctx := context.Background()
	user, err := r.Office.CreateServiceAccount(ctx, org, "account")
	must(t, err)
	if len(permissions) > 0 {
		must(t, r.Office.Grant(ctx, user.ID, permissions...))
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	credential, err := r.Office.AddKeyCredential(ctx, user.ID, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	must(t, err)
	token, _, err := r.Office.IssueToken(ctx, user.ID, time.Hour)
	must(t, err)
	return &Account{rig: r, User: user, Credential: credential, Token: token, key: private}
}

// Principal authenticates the account.
func (a *Account) Principal(t testing.TB) identity.Principal {
	t.Helper()
	p, err := a.rig.Auth.Authenticate(context.Background(), a.Token)
	must(t, err)
	return p
}

// UserAction takes a request through init and completion and returns the token.
func (a *Account) UserAction(t testing.TB, request challenge.Request) string {
	t.Helper()
	issued, err := a.rig.Actions.Init(context.Background(), a.Principal(t), request)
	must(t, err)
	data, err := json.Marshal(map[string]string{"type": "key.get", "challenge": issued.Input.Challenge()})
	must(t, err)
	token, err := a.rig.Actions.Complete(context.Background(), a.Principal(t), useraction.Response{
		ID: issued.ID, Kind: identity.KeyCredential, Credential: a.Credential.ID,
		ClientData: base64.RawURLEncoding.EncodeToString(data),
		Signature:  base64.RawURLEncoding.EncodeToString(ed25519.Sign(a.key, data)),
	})
	must(t, err)
	return token
}

// Prove consents to a request and returns the proof that the request would give.
func (a *Account) Prove(t testing.TB, path, payload string) useraction.Proof {
	t.Helper()
	request := challenge.Request{Method: "POST", Path: path, Payload: payload}
	proof, err := a.rig.Actions.Verify(context.Background(), a.Principal(t), a.UserAction(t, request), request)
	must(t, err)
	return proof
}

// Sign returns a signed action about a request, made without the server.
func (a *Account) Sign(t testing.TB, path, payload string) useraction.Signed {
	t.Helper()
	request := challenge.Request{Method: "POST", Path: path, Payload: payload}
	input, err := challenge.New(Deployment, string(a.User.Org), string(a.User.ID), request, a.rig.Clock.Now(), time.Minute)
	must(t, err)
	return a.SignInput(t, input, payload)
}

// SignInput returns a signed action with any input: what a client signs that does not
// look.
func (a *Account) SignInput(t testing.TB, input challenge.Input, payload string) useraction.Signed {
	t.Helper()
	data, err := json.Marshal(map[string]string{"type": "key.get", "challenge": input.Challenge()})
	must(t, err)
	return useraction.Signed{
		Input: input, Payload: payload, Credential: a.Credential.ID, Kind: a.Credential.Kind,
		ClientData: data, Signature: ed25519.Sign(a.key, data),
	}
}

// PrivateKey returns the account's key as PEM of PKCS#8, which clients read.
func (a *Account) PrivateKey(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// SignBytes returns the account's signature over any text.
func (a *Account) SignBytes(text []byte) []byte { return ed25519.Sign(a.key, text) }
