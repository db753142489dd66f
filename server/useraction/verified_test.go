package useraction

import (
	"crypto/elliptic"
	"errors"
	"testing"
	"time"
)

func TestVerifiedSignatureIsRememberedAndAcceptedAgain(t *testing.T) {
	for name, s := range map[string]signing{"Ed25519": newEd25519(t), "P-256": newSigning(t, mustECDSA(t, elliptic.P256()))} {
		t.Run(name, func(t *testing.T) {
			action, trust := s.action(t), s.trust()
			trust.Verified = NewVerified()
			for range 2 {
				if _, err := action.Verify(trust); err != nil {
					t.Fatal(err)
				}
				if !trust.Verified.has(nameOf(s.PublicKey, action.ClientData, action.Signature)) {
					t.Error("the signature was not remembered")
				}
			}
		})
	}
}

// What was verified once is refused for every other reason as if it never had been.
func TestRememberedSignatureIsRefusedForAllElse(t *testing.T) {
	other := newEd25519(t)
	for name, test := range map[string]struct {
		spoil func(s *Signed, trust *Trust)
		want  error
	}{
		"a revoked credential":    {func(_ *Signed, trust *Trust) { trust.Credential.Active = false }, ErrUntrusted},
		"another user's":          {func(_ *Signed, trust *Trust) { trust.Credential.User = "us-2" }, ErrUntrusted},
		"its expiry":              {func(_ *Signed, trust *Trust) { trust.Now = issued.Add(time.Minute) }, ErrWindow},
		"another payload":         {func(s *Signed, _ *Trust) { s.Payload += " " }, ErrOtherPayload},
		"another path":            {func(s *Signed, _ *Trust) { s.Input.Path = "/keys/key-2/export" }, ErrClientData},
		"edited client data":      {func(s *Signed, _ *Trust) { s.ClientData = append([]byte(" "), s.ClientData...) }, ErrSignature},
		"an edited signature":     {func(s *Signed, _ *Trust) { s.Signature[8] ^= 1 }, ErrSignature},
		"a longer signature":      {func(s *Signed, _ *Trust) { s.Signature = append(s.Signature, 0) }, ErrSignature},
		"a replaced public key":   {func(_ *Signed, trust *Trust) { trust.Credential.PublicKey = other.PublicKey }, ErrSignature},
		"text moved between them": {func(s *Signed, trust *Trust) { moveText(s, trust) }, ErrPublicKey},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEd25519(t)
			action, trust := s.action(t), s.trust()
			trust.Verified = NewVerified()
			if _, err := action.Verify(trust); err != nil {
				t.Fatal(err)
			}
			test.spoil(&action, &trust)
			if consent, err := action.Verify(trust); !errors.Is(err, test.want) || !consent.IsZero() {
				t.Errorf("got %v, %v", consent, err)
			}
		})
	}
}

// moveText lets key and client data begin and end elsewhere in the same text. White space
// before client data is of no consequence to its check.
func moveText(s *Signed, trust *Trust) {
	key := trust.Credential.PublicKey
	s.ClientData = append([]byte(key[len(key)-1:]), s.ClientData...)
	trust.Credential.PublicKey = key[:len(key)-1] + "x"
}

func TestRefusedSignatureIsNotRemembered(t *testing.T) {
	mine, other := newEd25519(t), newEd25519(t)
	trust, action := mine.trust(), other.action(t)
	trust.Verified = NewVerified()
	for range 2 {
		if _, err := action.Verify(trust); !errors.Is(err, ErrSignature) {
			t.Errorf("got %v", err)
		}
	}
	if trust.Verified.has(nameOf(mine.PublicKey, action.ClientData, action.Signature)) {
		t.Error("a refused signature is remembered")
	}
}
