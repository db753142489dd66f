package trust_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/useraction"
	"keyferry/shares"
)

const (
	deployment = "test-deployment"
	org        = identity.OrgID("or-one")
	alice      = identity.UserID("us-alice")
	bob        = identity.UserID("us-bob")
	key        = identity.CredentialID("cr-alice")
	passkey    = identity.CredentialID("Zm9v")
	gone       = identity.CredentialID("cr-gone")
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newRootKey(t testing.TB) *trust.RootKey {
	t.Helper()
	k, err := trust.NewRootKey()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Destroy)
	return k
}

func publicPEM(t testing.TB, public crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func newEd25519(t testing.TB) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return publicPEM(t, public)
}

func newECDSA(t testing.TB, curve elliptic.Curve) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return publicPEM(t, private.Public())
}

// document is a valid one with something in every member.
func document(t testing.TB) trust.Document {
	t.Helper()
	return trust.Document{
		Deployment: deployment, Org: org, Serial: 3, IssuedAt: start,
		Export: trust.Export{Active: true, Reference: "addendum 7"},
		Users:  []trust.User{{ID: alice, Active: true}, {ID: bob}},
		Credentials: []trust.Credential{
			{ID: passkey, User: bob, Kind: identity.Fido2Credential, PublicKey: newECDSA(t, elliptic.P256()), Active: true},
			{ID: key, User: alice, Kind: identity.KeyCredential, PublicKey: newEd25519(t), Active: true},
		},
		Schemes:      []shares.Scheme{scheme(t, "CGGMP21", "secp256k1"), scheme(t, "FROST", "ed25519")},
		MinSigners:   3,
		RelyingParty: useraction.RelyingParty{ID: "example.com", Origins: []string{"https://example.com", "https://keys.example.com"}},
		Revocations:  []trust.Revocation{{Credential: gone, At: start, Reason: "lost"}},
	}
}

func scheme(t testing.TB, protocol, curve string) shares.Scheme {
	t.Helper()
	s, err := shares.ParseScheme(protocol, curve)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func marshal(t testing.TB, d trust.Document) []byte {
	t.Helper()
	text, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sign(t testing.TB, d trust.Document, k *trust.RootKey) trust.Signed {
	t.Helper()
	s, err := trust.Sign(d, k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
