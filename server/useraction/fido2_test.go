package useraction

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/test/authenticator"
)

const (
	rpID     = "keys.example"
	rpOrigin = "https://app.keys.example"
)

func authenticators(t testing.TB) map[string]*authenticator.Authenticator {
	return map[string]*authenticator.Authenticator{
		"P-256": authenticator.NewP256(t, rpID, rpOrigin), "Ed25519": authenticator.NewEd25519(t, rpID, rpOrigin),
	}
}

func trustIn(t testing.TB, a *authenticator.Authenticator) Trust {
	return Trust{
		Deployment: "test", Now: issued.Add(time.Second), RelyingParty: RelyingParty{ID: rpID, Origins: []string{rpOrigin}},
		Credential: identity.Credential{
			ID: identity.CredentialID(a.ID), Org: "or-1", User: "us-1", Kind: identity.Fido2Credential, Active: true, PublicKey: a.PublicKey(t),
		},
	}
}

func newInput(t testing.TB) challenge.Input {
	t.Helper()
	input, err := challenge.New("test", "or-1", "us-1", request, issued, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return input
}

func signedBy(a *authenticator.Authenticator, input challenge.Input, by authenticator.Assertion) Signed {
	return Signed{
		Input: input, Payload: request.Payload, Credential: identity.CredentialID(a.ID), Kind: identity.Fido2Credential,
		ClientData: by.ClientData, AuthenticatorData: by.AuthenticatorData, Signature: by.Signature,
	}
}

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestVerifyTakesAuthenticatorsInBothEncodingsOfTheChallenge(t *testing.T) {
	for name, a := range authenticators(t) {
		input := newInput(t)
		for form, given := range map[string]string{"once": input.Challenge(), "twice": encoded(input.Challenge())} {
			s := signedBy(a, input, a.Sign(t, a.ClientData(given), a.Data()))
			if consent, err := s.Verify(trustIn(t, a)); err != nil || consent.IsZero() {
				t.Errorf("%s, encoded %s: %v", name, form, err)
			}
		}
	}
}

func TestVerifyTakesWhatAuthenticatorsAdd(t *testing.T) {
	for name, change := range map[string]func(a *authenticator.Authenticator) (clientData, data []byte){
		"a backup": func(a *authenticator.Authenticator) ([]byte, []byte) {
			a.Flags |= authenticator.BackupEligible | authenticator.BackedUp
			return nil, a.Data()
		},
		"an extension nobody asked for": func(a *authenticator.Authenticator) ([]byte, []byte) {
			a.Flags |= authenticator.Extended
			return nil, append(a.Data(), 0xa1, 0x61, 'x', 0xf5) // the CBOR of {"x": true}
		},
		"a member that is to come": func(a *authenticator.Authenticator) ([]byte, []byte) {
			return []byte(`,"other_keys_can_be_added_here":"do not compare"}`), a.Data()
		},
	} {
		a := authenticator.NewP256(t, rpID, rpOrigin)
		input := newInput(t)
		tail, data := change(a)
		clientData := a.ClientData(input.Challenge())
		if tail != nil {
			clientData = append(clientData[:len(clientData)-1], tail...)
		}
		if _, err := signedBy(a, input, a.Sign(t, clientData, data)).Verify(trustIn(t, a)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Assertions that are properly signed, but over data that is no consent.
func TestVerifyRefusesAuthenticatorData(t *testing.T) {
	flags := func(flags byte) func(*authenticator.Authenticator) []byte {
		return func(a *authenticator.Authenticator) []byte {
			a.Flags = flags
			return a.Data()
		}
	}
	const verified = authenticator.UserPresent | authenticator.UserVerified
	for name, data := range map[string]func(a *authenticator.Authenticator) []byte{
		"another relying party":          func(a *authenticator.Authenticator) []byte { a.RelyingParty = "app.keys.example"; return a.Data() },
		"no relying party":               func(a *authenticator.Authenticator) []byte { a.RelyingParty = ""; return a.Data() },
		"a user who is not there":        flags(authenticator.UserVerified),
		"a user who was not verified":    flags(authenticator.UserPresent),
		"no flags":                       flags(0),
		"attested data without any":      flags(verified | authenticator.Attested),
		"extensions without any":         flags(verified | authenticator.Extended),
		"a backup of what cannot be one": flags(verified | authenticator.BackedUp),
		"bytes behind it":                func(a *authenticator.Authenticator) []byte { return append(a.Data(), 0) },
		"too few bytes":                  func(a *authenticator.Authenticator) []byte { return a.Data()[:36] },
		"nothing":                        func(*authenticator.Authenticator) []byte { return nil },
		"a registration's attested data": attested,
		"extensions that are not CBOR": func(a *authenticator.Authenticator) []byte {
			a.Flags |= authenticator.Extended
			return append(a.Data(), 0xff)
		},
		"extensions nested without an end":   func(a *authenticator.Authenticator) []byte { return nested(a) },
		"extensions of a length of 2^63 - 1": func(a *authenticator.Authenticator) []byte { return endless(a) },
	} {
		a := authenticator.NewP256(t, rpID, rpOrigin)
		input := newInput(t)
		s := signedBy(a, input, a.Sign(t, a.ClientData(encoded(input.Challenge())), data(a)))
		if consent, err := s.Verify(trustIn(t, a)); !errors.Is(err, ErrAuthData) || !consent.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func attested(a *authenticator.Authenticator) []byte {
	a.Flags |= authenticator.Attested
	data := append(a.Data(), make([]byte, 16)...)                         // the model
	data = append(data, 0, 1, 'c')                                        // the credential's id
	return append(data, 0xa2, 0x01, 0x01, 0x20, 0x06, 0xa0)[:len(data)+5] // a map in place of a key
}

func nested(a *authenticator.Authenticator) []byte {
	a.Flags |= authenticator.Extended
	return append(a.Data(), slices.Repeat([]byte{0x81}, 100_000)...)
}

func endless(a *authenticator.Authenticator) []byte {
	a.Flags |= authenticator.Extended
	return append(a.Data(), 0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
}

func TestVerifyRefusesBrowserData(t *testing.T) {
	for name, change := range map[string]struct{ from, to string }{
		"a registration":           {"webauthn.get", "webauthn.create"},
		"a plain key's type":       {"webauthn.get", "key.get"},
		"another page":             {"https://app.keys.example", "https://app.keys.example.evil.example"},
		"another scheme":           {"https://", "http://"},
		"another port":             {"https://app.keys.example", "https://app.keys.example:8443"},
		"a page above":             {"https://app.keys.example", "https://keys.example"},
		"no origin":                {`"origin"`, `"otherOrigin"`},
		"an empty origin":          {"https://app.keys.example", ""},
		"an app's origin":          {"https://app.keys.example", "android:apk-key-hash:x"},
		"a frame in another page":  {`"crossOrigin":false`, `"crossOrigin":true`},
		"a page around it":         {`"crossOrigin":false`, `"crossOrigin":false,"topOrigin":"https://evil.example"`},
		"two types":                {`{"type"`, `{"type":"webauthn.get","type"`},
		"another case":             {`"challenge"`, `"Challenge"`},
		"crossOrigin in words":     {`"crossOrigin":false`, `"crossOrigin":"false"`},
		"text behind it":           {`false}`, `false}{}`},
		"the challenge and a half": {`"challenge":"`, `"challenge":"A`},
	} {
		a := authenticator.NewEd25519(t, rpID, rpOrigin)
		input := newInput(t)
		honest := string(a.ClientData(encoded(input.Challenge())))
		text := strings.Replace(honest, change.from, change.to, 1)
		if text == honest {
			t.Fatalf("%s changes nothing", name)
		}
		s := signedBy(a, input, a.Sign(t, []byte(text), a.Data()))
		if consent, err := s.Verify(trustIn(t, a)); !errors.Is(err, ErrClientData) || !consent.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefusesOtherEncodingsOfTheChallenge(t *testing.T) {
	a := authenticator.NewP256(t, rpID, rpOrigin)
	input := newInput(t)
	c := input.Challenge()
	for name, given := range map[string]string{
		"three times":    encoded(encoded(c)),
		"with padding":   base64.URLEncoding.EncodeToString([]byte(c)) + "=",
		"another action": encoded(newInput(t).Challenge()),
		"none":           "",
	} {
		if _, err := signedBy(a, input, a.Sign(t, a.ClientData(given), a.Data())).Verify(trustIn(t, a)); !errors.Is(err, ErrClientData) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefusesAssertionsThatWereEdited(t *testing.T) {
	for name, spoil := range map[string]func(s *Signed, trust *Trust){
		"counter":     func(s *Signed, _ *Trust) { s.AuthenticatorData[36] ^= 1 },
		"client data": func(s *Signed, _ *Trust) { s.ClientData = append(s.ClientData, ' ') },
		"signature":   func(s *Signed, _ *Trust) { s.Signature[9] ^= 1 },
		"another's key": func(_ *Signed, trust *Trust) {
			trust.Credential.PublicKey = authenticator.NewP256(t, rpID, rpOrigin).PublicKey(t)
		},
		"a raw signature": func(s *Signed, _ *Trust) { s.Signature = make([]byte, 64) },
		"no signature":    func(s *Signed, _ *Trust) { s.Signature = nil },
		"signed data alone": func(s *Signed, _ *Trust) {
			s.AuthenticatorData = slices.Concat(s.AuthenticatorData[:37])
			s.AuthenticatorData[35] = 9
		},
	} {
		a := authenticator.NewP256(t, rpID, rpOrigin)
		input := newInput(t)
		s, trust := signedBy(a, input, a.Assert(t, input.Challenge())), trustIn(t, a)
		spoil(&s, &trust)
		if consent, err := s.Verify(trust); !errors.Is(err, ErrSignature) || !consent.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What one kind of credential signed is never taken for what the other did.
func TestKindsAreNotTakenForEachOther(t *testing.T) {
	a := authenticator.NewEd25519(t, rpID, rpOrigin)
	input := newInput(t)
	trust := trustIn(t, a)
	s := signedBy(a, input, a.Assert(t, input.Challenge()))
	s.Kind, trust.Credential.Kind = identity.KeyCredential, identity.KeyCredential
	if _, err := s.Verify(trust); !errors.Is(err, ErrClientData) {
		t.Errorf("an authenticator's as a key's: %v", err)
	}
	key := newEd25519(t)
	action, keyTrust := key.action(t), key.trust()
	action.AuthenticatorData = []byte{}
	if _, err := action.Verify(keyTrust); !errors.Is(err, ErrAuthData) {
		t.Errorf("a key's with authenticator data: %v", err)
	}
	action.AuthenticatorData, action.Kind, keyTrust.Credential.Kind = nil, identity.Fido2Credential, identity.Fido2Credential
	keyTrust.RelyingParty = trust.RelyingParty
	if _, err := action.Verify(keyTrust); !errors.Is(err, ErrClientData) {
		t.Errorf("a key's as an authenticator's: %v", err)
	}
	action.Kind, keyTrust.Credential.Kind = "Password", "Password"
	if _, err := action.Verify(keyTrust); !errors.Is(err, ErrUntrusted) {
		t.Errorf("a kind that does not exist: %v", err)
	}
}

func TestPasswordProtectedKeysSignAsKeysDo(t *testing.T) {
	key := newEd25519(t)
	key.Kind = identity.PasswordProtectedCredential
	if _, err := key.action(t).Verify(key.trust()); err != nil {
		t.Error(err)
	}
}

func TestNobodyIsTrustedWithoutARelyingParty(t *testing.T) {
	a := authenticator.NewP256(t, rpID, rpOrigin)
	input := newInput(t)
	for _, rp := range []RelyingParty{{}, {ID: rpID}, {Origins: []string{rpOrigin}}} {
		trust := trustIn(t, a)
		trust.RelyingParty = rp
		if _, err := signedBy(a, input, a.Assert(t, input.Challenge())).Verify(trust); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%+v: %v", rp, err)
		}
	}
}

func TestAnyPortMeansPortsOnly(t *testing.T) {
	rp := RelyingParty{ID: "localhost", Origins: []string{"http://localhost:*"}}
	for origin, want := range map[string]bool{
		"http://localhost": true, "http://localhost:1": true, "http://localhost:65535": true,
		"http://localhost:": false, "http://localhost:65536": false, "http://localhost:080": false, "http://localhost:80@evil.example": false,
		"http://localhost:*": false, "http://localhost.evil.example": false, "https://localhost:1": false, "": false,
	} {
		a := authenticator.NewP256(t, rp.ID, origin)
		input := newInput(t)
		trust := trustIn(t, a)
		trust.RelyingParty = rp
		if _, err := signedBy(a, input, a.Assert(t, input.Challenge())).Verify(trust); (err == nil) != want {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestCounterIsAnAuthenticatorsOnly(t *testing.T) {
	a := authenticator.NewP256(t, rpID, rpOrigin)
	a.Counter = 1<<32 - 2
	by := Signed{Kind: identity.Fido2Credential, AuthenticatorData: a.Data()}
	if n, counted := by.Counter(); n != 1<<32-1 || !counted {
		t.Errorf("got %d, %v", n, counted)
	}
	by.Kind = identity.KeyCredential
	if _, counted := by.Counter(); counted {
		t.Error("a key counts")
	}
	if _, counted := (Signed{Kind: identity.Fido2Credential, AuthenticatorData: make([]byte, 36)}).Counter(); counted {
		t.Error("a truncated assertion counts")
	}
}

// Whatever client data is accepted says, to any reader, that it is for this challenge
// and from this page.
func FuzzBrowserData(f *testing.F) {
	a := authenticator.NewEd25519(f, rpID, rpOrigin)
	input := newInput(f)
	trust := trustIn(f, a)
	honest := string(a.ClientData("CHALLENGE"))
	for _, seed := range []string{honest, honest + " ", strings.Replace(honest, "type", "Type", 1), "{}", `{"type":"webauthn.get","challenge":"CHALLENGE","origin":"HTTPS://APP.keys.example:443"}`} {
		f.Add(seed, uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, flags uint8) {
		text = strings.ReplaceAll(text, "CHALLENGE", input.Challenge())
		data := a.Data()
		data[32] |= flags
		if _, err := signedBy(a, input, a.Sign(t, []byte(text), data)).Verify(trust); err != nil {
			return
		}
		var read struct{ Type, Challenge, Origin string }
		if err := json.Unmarshal([]byte(text), &read); err != nil || read.Type != "webauthn.get" ||
			read.Challenge != input.Challenge() || read.Origin != rpOrigin || flags&authenticator.Attested != 0 {
			t.Errorf("accepted %q with flags %#x", text, flags)
		}
	})
}
