//go:build cgo

package test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/identity"
	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// stage is a running server with everybody who attacks it.
type stage struct {
	*devServer
	address string // of the server
	record  *auditReader

	alice    *account // may do everything
	amy      *account // may do everything, in the same organisation; signs with P-256
	reader   *account // may only look at keys
	nobody   *account // may do nothing
	keyless  *account // may do everything, has no credential that is good
	gone     *account // was switched off
	bob      *account // may do everything in another organisation
	carol    *account // as bob, in an organisation that may not export
	expired  string   // a token of alice's
	revoked  string   // a token of amy's
	oldCred  string   // a revoked credential of amy's
	oldKey   crypto.Signer
	signers  []dealer.Signer
	victim   string // a key of alice's organisation that nobody exports
	spare    string // a key of alice's organisation that is exported
	carolKey string
	exported recovery.Request // what an export asks for
	context  *recovery.Context
}

// newStage makes organisations and accounts while the server runs.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{devServer: startDev(t, t.TempDir())}
	at, err := url.Parse(s.env["DFNS_API_URL"])
	if err != nil {
		t.Fatal(err)
	}
	s.address, s.record = at.Host, openRecord(t, s.dir)
	s.hireAll(t)
	s.retire(t)
	s.makeKeys(t)
	if s.context, err = recovery.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.context.Destroy)
	s.exported = s.context.Request()
	return s
}

func (s *stage) hireAll(t *testing.T) {
	t.Helper()
	all := identity.Permissions()
	org := s.env["DFNS_ORG_ID"]
	s.alice = s.hire(t, org, newEd25519(t), all...)
	s.amy = s.hire(t, org, newP256(t), all...)
	s.reader = s.hire(t, org, newEd25519(t), identity.KeysRead)
	s.nobody = s.hire(t, org, newEd25519(t))
	s.keyless = s.hire(t, org, newEd25519(t), all...)
	s.gone = s.hire(t, org, newEd25519(t), all...)

	other := s.admin(t, "organisation", "create", "--name", "Other")["id"]
	s.admin(t, "organisation", "activate", "--org", other, "--reference", "addendum 7")
	s.bob = s.hire(t, other, newEd25519(t), all...)
	inactive := s.admin(t, "organisation", "create", "--name", "Not activated")["id"]
	s.carol = s.hire(t, inactive, newEd25519(t), all...)
}

// retire ends what attackers then try to go on with.
func (s *stage) retire(t *testing.T) {
	t.Helper()
	issued := s.admin(t, "token", "issue", "--account", s.amy.id)
	s.revoked = issued["token"]
	s.admin(t, "token", "revoke", "--token", issued["id"])
	s.oldKey = newEd25519(t)
	s.oldCred = s.register(t, s.amy.id, s.oldKey)
	s.admin(t, "credential", "revoke", "--org", s.amy.org, "--credential", s.oldCred)
	s.admin(t, "credential", "revoke", "--org", s.keyless.org, "--credential", s.keyless.credential)
	s.admin(t, "account", "deactivate", "--account", s.gone.id)
	s.expired = s.admin(t, "token", "issue", "--account", s.alice.id, "--lifetime", "1s")["token"]
	time.Sleep(time.Second)
}

func (s *stage) makeKeys(t *testing.T) {
	t.Helper()
	var err error
	if s.signers, err = s.alice.client(t).Signers(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.victim = s.importKey(t, s.alice)
	s.spare = s.importKey(t, s.alice)
	s.carolKey = s.importKey(t, s.carol)
}

func (s *stage) importKey(t *testing.T, by *account) string {
	t.Helper()
	key, err := by.client(t).Import(context.Background(), s.plan(t), newSecret(t))
	if err != nil {
		t.Fatal(err)
	}
	return key.ID
}

// plan is that of every import here: CGGMP21 on secp256k1, 3 of 5.
func (s *stage) plan(t *testing.T) dealer.Plan {
	t.Helper()
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	return dealer.Plan{Scheme: scheme, MinSigners: 3, Signers: s.signers}
}

// newSecret returns a random private key of every curve.
func newSecret(t *testing.T) *locked.Buffer {
	t.Helper()
	secret, err := locked.New(32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secret.Destroy)
	rand.Read(secret.Bytes())
	secret.Bytes()[0] = 0x01
	return secret
}

// account is a service account with a token and a credential.
type account struct {
	stage      *stage
	org, id    string
	token      string
	credential string
	key        crypto.Signer
}

// client returns the legitimate client of the account.
func (a *account) client(t *testing.T) *client.Client {
	t.Helper()
	credential, err := client.ParseCredential(a.credential, privatePEM(t, a.key))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{URL: a.stage.env["DFNS_API_URL"], Token: a.token, Credential: credential})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newEd25519(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newP256(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// text encodes what cannot fail to be JSON.
func text(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
