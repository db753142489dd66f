// Package authenticator is a security key in software, together with the browser that
// asks it, for tests of WebAuthn assertions.
//
// It does what WebAuthn Level 2 §6.3.3 asks of an honest one. Tests that need a
// dishonest one change its fields, or have it sign what they wrote.
package authenticator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"testing"
)

// The flags of authenticator data (WebAuthn Level 2 §6.1).
const (
	UserPresent    = 0x01
	UserVerified   = 0x04
	BackupEligible = 0x08
	BackedUp       = 0x10
	Attested       = 0x40
	Extended       = 0x80
)

// Authenticator has one credential.
type Authenticator struct {
	ID           string // of the credential, unpadded base64url
	RelyingParty string
	Origin       string // of the page in the browser
	Flags        byte
	Counter      uint32 // of the last signature
	Counts       bool   // whether the counter grows
	key          crypto.Signer
}

// NewP256 returns one whose key is P-256.
func NewP256(t testing.TB, relyingParty, origin string) *Authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newWith(key, relyingParty, origin)
}

// NewEd25519 returns one whose key is Ed25519.
func NewEd25519(t testing.TB, relyingParty, origin string) *Authenticator {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newWith(key, relyingParty, origin)
}

func newWith(key crypto.Signer, relyingParty, origin string) *Authenticator {
	var id [32]byte
	rand.Read(id[:])
	return &Authenticator{
		ID: base64.RawURLEncoding.EncodeToString(id[:]), RelyingParty: relyingParty, Origin: origin,
		Flags: UserPresent | UserVerified, Counts: true, key: key,
	}
}

// PublicKey returns the SubjectPublicKeyInfo in PEM.
func (a *Authenticator) PublicKey(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(a.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Assertion is what a page gets back.
type Assertion struct {
	ClientData        []byte
	AuthenticatorData []byte
	Signature         []byte
}

// Assert signs a challenge that the page hands over as the official browser SDKs do:
// the bytes of its text.
func (a *Authenticator) Assert(t testing.TB, challenge string) Assertion {
	t.Helper()
	return a.Sign(t, a.ClientData(base64.RawURLEncoding.EncodeToString([]byte(challenge))), a.Data())
}

// ClientData is the text that Chromium writes. The challenge stands in it as given.
func (a *Authenticator) ClientData(challenge string) []byte {
	return fmt.Appendf(nil, `{"type":"webauthn.get","challenge":%q,"origin":%q,"crossOrigin":false}`, challenge, a.Origin)
}

// Data is the authenticator data of one more signature.
func (a *Authenticator) Data() []byte {
	if a.Counts {
		a.Counter++
	}
	id := sha256.Sum256([]byte(a.RelyingParty))
	return binary.BigEndian.AppendUint32(append(id[:], a.Flags), a.Counter)
}

// Sign signs what it is given.
func (a *Authenticator) Sign(t testing.TB, clientData, data []byte) Assertion {
	t.Helper()
	hash := sha256.Sum256(clientData)
	message, hashed := append(append([]byte{}, data...), hash[:]...), crypto.Hash(0)
	if _, ok := a.key.(*ecdsa.PrivateKey); ok {
		digest := sha256.Sum256(message)
		message, hashed = digest[:], crypto.SHA256
	}
	signature, err := a.key.Sign(rand.Reader, message, hashed)
	if err != nil {
		t.Fatal(err)
	}
	return Assertion{clientData, data, signature}
}
