//go:build cgo

package test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"keyferry/test/authenticator"
)

// What keyferry dev takes assertions for.
const (
	relyingParty = "localhost"
	pageOrigin   = "http://localhost:8080"
)

// holder is a user with a security key.
type holder struct {
	*account
	key *authenticator.Authenticator
}

func (s *stage) newHolder(t *testing.T) holder {
	t.Helper()
	h := holder{s.hire(t, s.alice.org, newEd25519(t), "Keys:Import"), authenticator.NewP256(t, relyingParty, pageOrigin)}
	s.registerPEM(t, h.id, h.key.PublicKey(t), "--kind", "Fido2", "--credential-id", h.key.ID)
	return h
}

// attempt is an assertion on its way: what an attack does not change is honest.
type attempt struct {
	challenge  string // as the client data has it
	issued     string // as the server issued it
	clientData string // if not empty, in place of what a browser would write
	extra      []byte // behind the authenticator data
	cut        int    // of the authenticator data's end
	signed     []byte // if not nil, in place of the authenticator data under the signature
	key        authenticator.Authenticator
}

// asserts answers a fresh challenge with the holder's key, changed by the attack.
func (h holder) asserts(t *testing.T, change func(*attempt)) message {
	t.Helper()
	o := h.challenge(t, "POST", "/keys/import", "{}")
	a := attempt{challenge: unpadded([]byte(o.Challenge)), issued: o.Challenge, key: *h.key}
	h.key.Counter++
	change(&a)
	data := append(a.key.Data(), a.extra...)
	data = data[:len(data)-a.cut]
	clientData := a.key.ClientData(a.challenge)
	if a.clientData != "" {
		clientData = []byte(a.clientData)
	}
	under := data
	if a.signed != nil {
		under = a.signed
	}
	signature := a.key.Sign(t, clientData, under).Signature
	return complete(t, completion{Identifier: o.Identifier, FirstFactor: factor{"Fido2", assertion{
		CredID: h.key.ID, ClientData: unpadded(clientData), AuthenticatorData: unpadded(data), Signature: unpadded(signature),
	}}}).by(h.account)
}

// fido2Attacks answer a good challenge with something else than a security key's
// assertion on an allowed page.
func fido2Attacks(t *testing.T, s *stage) []attack {
	h := s.newHolder(t)
	rows := []attack{
		{"a good one", h.asserts(t, func(*attempt) {}), 200, legitimate},
		{"a good one with the challenge encoded once", h.asserts(t, func(a *attempt) { a.challenge = a.issued }), 200, legitimate},
		{"a good one of another port", h.asserts(t, func(a *attempt) { a.key.Origin = "http://localhost:3000" }), 200, legitimate},
	}
	for _, one := range append(browserEdits(), deviceEdits(t)...) {
		rows = append(rows, attack{one.name, h.asserts(t, one.change), 401, "action.assertion"})
	}
	for _, counter := range []uint32{0, 1, h.key.Counter} {
		rows = append(rows, s.counted(t, counter))
	}
	return append(rows, s.kindsExchanged(t, h)...)
}

// counted is a key whose counter stands at 5 and that signs with another one.
func (s *stage) counted(t *testing.T, counter uint32) attack {
	t.Helper()
	h := s.newHolder(t)
	h.key.Counter = 4
	s.obtain(t, h.asserts(t, func(*attempt) {}), &struct{}{})
	counter = min(counter, 5)
	cloned := h.asserts(t, func(a *attempt) { a.key.Counts, a.key.Counter = false, counter })
	return attack{fmt.Sprintf("a counter that goes from 5 to %d", counter), cloned, 401, "action.counter"}
}

type attemptEdit struct {
	name   string
	change func(*attempt)
}

// browserEdits are assertions of other pages, or about something else.
func browserEdits() []attemptEdit {
	origin := func(origin string) attemptEdit {
		return attemptEdit{"a page at " + origin, func(a *attempt) { a.key.Origin = origin }}
	}
	text := func(name, text string) attemptEdit {
		return attemptEdit{name, func(a *attempt) { a.clientData = strings.ReplaceAll(text, "CHALLENGE", a.issued) }}
	}
	return []attemptEdit{
		origin("https://localhost.evil.test"), origin("http://evil.test"), origin("http://localhost:8080@evil.test"), origin("http://evil.test:80/localhost"),
		origin("http://sub.localhost"), origin("http://localhost:"), origin("http://localhost:99999"), origin("http://localhost:080"),
		origin("HTTP://LOCALHOST"), origin("http://localhost:8080/"), origin("file://localhost"), origin("null"), origin(""), origin("*"),
		{"another challenge", func(a *attempt) { a.challenge = unpadded(make([]byte, 32)) }},
		{"no challenge", func(a *attempt) { a.challenge = "" }},
		{"a challenge encoded three times", func(a *attempt) { a.challenge = unpadded([]byte(a.challenge)) }},
		{"a padded challenge", func(a *attempt) { a.challenge = base64.URLEncoding.EncodeToString([]byte(a.issued)) + "=" }},
		text("a registration", `{"type":"webauthn.create","challenge":"CHALLENGE","origin":"http://localhost"}`),
		text("a payment", `{"type":"payment.get","challenge":"CHALLENGE","origin":"http://localhost"}`),
		text("a key's client data", `{"type":"key.get","challenge":"CHALLENGE","origin":"http://localhost"}`),
		text("no origin", `{"type":"webauthn.get","challenge":"CHALLENGE"}`),
		text("two origins", `{"type":"webauthn.get","challenge":"CHALLENGE","origin":"http://evil.test","origin":"http://localhost"}`),
		text("two spellings of an origin", `{"type":"webauthn.get","challenge":"CHALLENGE","Origin":"http://localhost","origin":"http://evil.test"}`),
		text("two challenges", `{"type":"webauthn.get","challenge":"x","challenge":"CHALLENGE","origin":"http://localhost"}`),
		text("a frame in another page", `{"type":"webauthn.get","challenge":"CHALLENGE","origin":"http://localhost","crossOrigin":true}`),
		text("a frame in a page that it names", `{"type":"webauthn.get","challenge":"CHALLENGE","origin":"http://localhost","crossOrigin":true,"topOrigin":"http://evil.test"}`),
		text("text behind the client data", `{"type":"webauthn.get","challenge":"CHALLENGE","origin":"http://localhost"}{}`),
	}
}

// deviceEdits are assertions of other devices, or by nobody.
func deviceEdits(t *testing.T) []attemptEdit {
	other := authenticator.NewP256(t, relyingParty, pageOrigin)
	flags := func(name string, flags byte) attemptEdit {
		return attemptEdit{name, func(a *attempt) { a.key.Flags = flags }}
	}
	party := func(id string) attemptEdit {
		return attemptEdit{"an assertion to " + id, func(a *attempt) { a.key.RelyingParty = id }}
	}
	return []attemptEdit{
		party("evil.test"), party("LOCALHOST"), party("sub.localhost"), party("http://localhost"),
		flags("nobody present or verified", 0), flags("a user who is not verified", authenticator.UserPresent), flags("a user who is not present", authenticator.UserVerified),
		flags("attested data that is not there", 0x05|authenticator.Attested), flags("extensions that are not there", 0x05|authenticator.Extended),
		flags("a backup of what cannot be backed up", 0x05|authenticator.BackedUp),
		{"another device", func(a *attempt) { a.key = *other }},
		{"text behind the authenticator data", func(a *attempt) { a.extra = []byte{0} }},
		{"authenticator data that is cut off", func(a *attempt) { a.cut = 1 }},
		{"authenticator data of the hash alone", func(a *attempt) { a.cut = 5 }},
		{"a signature over other authenticator data", func(a *attempt) { a.signed = bytes.Repeat([]byte{5}, 37) }},
		{"a signature over the client data alone", func(a *attempt) { a.signed = []byte{} }},
	}
}

// kindsExchanged present one kind of credential as the other.
func (s *stage) kindsExchanged(t *testing.T, h holder) []attack {
	t.Helper()
	asKey := h.completes(t, h.challenge(t, "POST", "/keys/import", "{}"))
	asKey.FirstFactor.Assertion.CredID = h.key.ID
	others := h.completes(t, h.challenge(t, "POST", "/keys/import", "{}"))
	others.FirstFactor.Kind, others.FirstFactor.Assertion.AuthenticatorData = "Fido2", unpadded(h.key.Data())
	return []attack{
		{"a security key as a plain key", complete(t, asKey).by(h.account), 401, "action.no-credential"},
		{"a plain key as a security key", complete(t, others).by(h.account), 401, "action.no-credential"},
	}
}

// passwordAttacks present a password-protected key as what it is not.
func passwordAttacks(t *testing.T, s *stage) []attack {
	user := s.hire(t, s.alice.org, newEd25519(t), "Keys:Import")
	key := newEd25519(t)
	encrypted := writeFile(t, `{"ciphertext":"opaque"}`)
	id := s.register(t, user.id, key, "--kind", "PasswordProtectedKey", "--encrypted-private-key", encrypted)
	protected := account{stage: s, org: user.org, id: user.id, token: user.token, credential: id, key: key}
	as := func(kind string, change func(*factor)) message {
		c := protected.completes(t, protected.challenge(t, "POST", "/keys/import", "{}"))
		c.FirstFactor.Kind = kind
		change(&c.FirstFactor)
		return complete(t, c).by(user)
	}
	asIs := func(*factor) {}
	return []attack{
		{"a good one", as("PasswordProtectedKey", asIs), 200, legitimate},
		{"as a plain key", as("Key", asIs), 401, "action.no-credential"},
		{"as a security key", as("Fido2", func(f *factor) { f.Assertion.AuthenticatorData = unpadded(make([]byte, 37)) }), 401, "action.no-credential"},
		{"with authenticator data", as("PasswordProtectedKey", func(f *factor) { f.Assertion.AuthenticatorData = unpadded(make([]byte, 37)) }), 400, "request.malformed"},
		{"a plain key as a password-protected one", as("PasswordProtectedKey", func(f *factor) { f.Assertion.CredID = user.credential }), 401, "action.no-credential"},
		{"with the plain key's signature", as("PasswordProtectedKey", func(f *factor) {
			f.Assertion.Signature = unpadded(sign(t, user.key, decoded(t, f.Assertion.ClientData)))
		}), 401, "action.assertion"},
		{"with a browser's client data", as("PasswordProtectedKey", func(f *factor) {
			clientData := strings.Replace(decoded(t, f.Assertion.ClientData), "key.get", "webauthn.get", 1)
			f.Assertion.ClientData, f.Assertion.Signature = unpadded([]byte(clientData)), unpadded(sign(t, key, clientData))
		}), 401, "action.assertion"},
	}
}
