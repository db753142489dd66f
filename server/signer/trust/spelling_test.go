package trust_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
)

func writtenPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// koblitz writes a key of secp256k1 with its point in this form.
func koblitz(t *testing.T, point []byte) string {
	t.Helper()
	curve, err := asn1.Marshal(asn1.ObjectIdentifier{1, 3, 132, 0, 10})
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Parameters: asn1.RawValue{FullBytes: curve}},
		asn1.BitString{Bytes: point, BitLength: 8 * len(point)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return writtenPEM("PUBLIC KEY", der)
}

// spellings is one key each, twice.
func spellings(t *testing.T) map[string][2]string {
	t.Helper()
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	short, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	longer := append([]byte{der[0], der[1] + 2}, append(der[2:len(der):len(der)], 5, 0)...) // and a NULL
	return map[string][2]string{
		"RSA in both forms":           {publicPEM(t, long.Public()), writtenPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&long.PublicKey))},
		"secp256k1, compressed":       {koblitz(t, short.PubKey().SerializeUncompressed()), koblitz(t, short.PubKey().SerializeCompressed())},
		"Ed25519, with one more part": {writtenPEM("PUBLIC KEY", der), writtenPEM("PUBLIC KEY", longer)},
	}
}

// Who has one key under two users' credentials exports and approves by himself.
func TestOneKeyIsNotTwoCredentialsHoweverItIsSpelled(t *testing.T) {
	for name, spelled := range spellings(t) {
		d := document(t)
		d.Users[1].Active = true
		d.Credentials = []trust.Credential{
			{ID: "cr-one", User: alice, Kind: identity.KeyCredential, PublicKey: spelled[0], Active: true},
			{ID: "cr-two", User: bob, Kind: identity.KeyCredential, PublicKey: spelled[1], Active: true, Approves: true},
		}
		if _, err := d.Marshal(); err == nil || !strings.Contains(err.Error(), "have the same public key") {
			t.Errorf("%s: %v", name, err)
		}
		d.Credentials[0].Active = false
		if _, err := d.Marshal(); err != nil {
			t.Errorf("%s: beside one that is switched off: %v", name, err)
		}
	}
}
