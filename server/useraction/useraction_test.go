package useraction

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/identity"
)

var (
	issued  = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	request = challenge.Request{Method: "POST", Path: "/keys/key-1/export", Payload: `{"encryptionKey":"x"}`}
)

// signing is one credential with its private key.
type signing struct {
	identity.Credential
	key crypto.Signer
}

func newSigning(t *testing.T, key crypto.Signer) signing {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signing{key: key, Credential: identity.Credential{
		ID: "cr-1", Org: "or-1", User: "us-1", Kind: identity.KeyCredential, Active: true,
		PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	}}
}

func newEd25519(t *testing.T) signing {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newSigning(t, key)
}

func (s signing) sign(t *testing.T, message []byte) []byte {
	t.Helper()
	digest, hash := message, crypto.Hash(0)
	if _, isECDSA := s.key.Public().(*ecdsa.PublicKey); isECDSA {
		sum := sha256.Sum256(message)
		digest, hash = sum[:], crypto.SHA256
	}
	signature, err := s.key.Sign(rand.Reader, digest, hash)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// action signs the request the way the official TypeScript client does.
func (s signing) action(t *testing.T) Signed {
	t.Helper()
	input, err := challenge.New("test", "or-1", "us-1", request, issued, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return s.over(t, input, fmt.Sprintf(`{"type":"key.get","challenge":%q}`, input.Challenge()))
}

func (s signing) over(t *testing.T, input challenge.Input, clientData string) Signed {
	t.Helper()
	return Signed{
		Input: input, Payload: request.Payload, Credential: s.ID, Kind: s.Kind,
		ClientData: []byte(clientData), Signature: s.sign(t, []byte(clientData)),
	}
}

func (s signing) trust() Trust {
	return Trust{Deployment: "test", Credential: s.Credential, Now: issued.Add(time.Second)}
}

func TestVerifyReturnsTheRequestThatWasSigned(t *testing.T) {
	for name, s := range map[string]signing{"Ed25519": newEd25519(t), "P-256": newSigning(t, mustECDSA(t, elliptic.P256()))} {
		t.Run(name, func(t *testing.T) {
			action := s.action(t)
			consent, err := action.Verify(s.trust())
			if err != nil {
				t.Fatal(err)
			}
			if consent.IsZero() || consent.Org() != "or-1" || consent.User() != "us-1" || consent.ID() != action.Input.Hash() ||
				consent.Method() != "POST" || consent.Path() != request.Path || string(consent.Payload()) != request.Payload {
				t.Errorf("got %+v", consent)
			}
		})
	}
}

// The client data that each official SDK writes, in its own order.
func TestVerifyTakesEveryClientsData(t *testing.T) {
	s := newEd25519(t)
	input := s.action(t).Input
	for name, text := range map[string]string{
		"TypeScript": `{"type":"key.get","challenge":"%s"}`,
		"Go":         `{"challenge":"%s","crossOrigin":false,"type":"key.get"}`,
		"Python":     `{"type": "key.get", "challenge": "%s", "origin": "https://app.dfns.io", "crossOrigin": false}`,
	} {
		if _, err := s.over(t, input, fmt.Sprintf(text, input.Challenge())).Verify(s.trust()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(s *Signed, trust *Trust)
		want  error
	}{
		"another deployment":         {func(_ *Signed, trust *Trust) { trust.Deployment = "other" }, ErrUntrusted},
		"no deployment":              {func(s *Signed, trust *Trust) { s.Input.Deployment, trust.Deployment = "", "" }, ErrUntrusted},
		"another format":             {func(s *Signed, _ *Trust) { s.Input.Label = "keyferry user action v0" }, ErrUntrusted},
		"another credential":         {func(_ *Signed, trust *Trust) { trust.Credential.ID = "cr-2" }, ErrUntrusted},
		"another kind":               {func(s *Signed, _ *Trust) { s.Kind = "Fido2" }, ErrUntrusted},
		"another user's credential":  {func(_ *Signed, trust *Trust) { trust.Credential.User = "us-2" }, ErrUntrusted},
		"another organisation's":     {func(_ *Signed, trust *Trust) { trust.Credential.Org = "or-2" }, ErrUntrusted},
		"a revoked credential":       {func(_ *Signed, trust *Trust) { trust.Credential.Active = false }, ErrUntrusted},
		"no credential":              {func(s *Signed, trust *Trust) { s.Credential, trust.Credential.ID = "", "" }, ErrUntrusted},
		"its expiry":                 {func(_ *Signed, trust *Trust) { trust.Now = issued.Add(time.Minute) }, ErrWindow},
		"an issue in the future":     {func(_ *Signed, trust *Trust) { trust.Now = issued.Add(-ClockSkew - 1) }, ErrWindow},
		"a window that never ends":   {func(s *Signed, _ *Trust) { s.Input.ExpiresAt += 1 << 40 }, ErrWindow},
		"a window that is too long":  {func(s *Signed, _ *Trust) { s.Input.ExpiresAt = s.Input.IssuedAt + 300_001 }, ErrWindow},
		"a window that ends at once": {func(s *Signed, _ *Trust) { s.Input.ExpiresAt = s.Input.IssuedAt }, ErrWindow},
		"another payload":            {func(s *Signed, _ *Trust) { s.Payload += " " }, ErrOtherPayload},
		"another payload and hash": {func(s *Signed, _ *Trust) {
			s.Payload += " "
			s.Input.PayloadHash = challenge.HashPayload(s.Payload)
		}, ErrClientData},
		"another path":          {func(s *Signed, _ *Trust) { s.Input.Path = "/keys/key-2/export" }, ErrClientData},
		"another method":        {func(s *Signed, _ *Trust) { s.Input.Method = "PUT" }, ErrClientData},
		"another nonce":         {func(s *Signed, _ *Trust) { s.Input.Nonce[0] ^= 1 }, ErrClientData},
		"edited client data":    {func(s *Signed, _ *Trust) { s.ClientData = append([]byte(" "), s.ClientData...) }, ErrSignature},
		"an edited signature":   {func(s *Signed, _ *Trust) { s.Signature[8] ^= 1 }, ErrSignature},
		"a truncated signature": {func(s *Signed, _ *Trust) { s.Signature = s.Signature[:63] }, ErrSignature},
		"no signature":          {func(s *Signed, _ *Trust) { s.Signature = nil }, ErrSignature},
		"a broken public key":   {func(_ *Signed, trust *Trust) { trust.Credential.PublicKey = "?" }, ErrPublicKey},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEd25519(t)
			action, trust := s.action(t), s.trust()
			test.spoil(&action, &trust)
			if consent, err := action.Verify(trust); !errors.Is(err, test.want) || !consent.IsZero() {
				t.Errorf("got %v, %v", consent, err)
			}
		})
	}
}

// Client data that is properly signed, but is not a consent to this challenge.
func TestVerifyRefusesClientData(t *testing.T) {
	s := newEd25519(t)
	input := s.action(t).Input
	c := input.Challenge()
	for name, text := range map[string]string{
		"another type":        `{"type":"key.create","challenge":"` + c + `"}`,
		"a browser's type":    `{"type":"webauthn.get","challenge":"` + c + `"}`,
		"another challenge":   `{"type":"key.get","challenge":"` + c[1:] + `A"}`,
		"no challenge":        `{"type":"key.get"}`,
		"cross origin":        `{"type":"key.get","challenge":"` + c + `","crossOrigin":true}`,
		"two challenges":      `{"type":"key.get","challenge":"x","challenge":"` + c + `"}`,
		"a case variant":      `{"type":"key.get","Challenge":"x","challenge":"` + c + `"}`,
		"text behind it":      `{"type":"key.get","challenge":"` + c + `"}{}`,
		"no object":           `"` + c + `"`,
		"an escaped variant?": `{"type":"key.get","challenge":["` + c + `"]}`,
	} {
		if _, err := s.over(t, input, text).Verify(s.trust()); !errors.Is(err, ErrClientData) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestASignatureOfAnotherKeyIsRefused(t *testing.T) {
	mine, other := newEd25519(t), newEd25519(t)
	if _, err := other.action(t).Verify(mine.trust()); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestConsentOfNobodyIsZero(t *testing.T) {
	if !(Consent{}).IsZero() || !(Proof{}).IsZero() {
		t.Error("a zero value counts as consent")
	}
}
