//go:build cgo

package test

import (
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// assertionAttacks answer a good challenge with something else than its credential's
// signature over it.
func assertionAttacks(t *testing.T, s *stage) []attack {
	fresh := func(a *account) offer { return a.challenge(t, "POST", "/keys/import", "{}") }
	hashed := edited(s.alice.completes(t, fresh(s.alice)), func(f *factor) { f.Assertion.Algorithm = "SHA256" })
	rows := []attack{
		{"a good one", complete(t, s.alice.completes(t, fresh(s.alice))).by(s.alice), 200, legitimate},
		{"a good one that names its hash", complete(t, hashed).by(s.alice), 200, legitimate},
	}
	for _, one := range clientDataAttacks(fresh(s.alice)) {
		o := fresh(s.alice)
		clientData := strings.ReplaceAll(one.text, "CHALLENGE", o.Challenge)
		rows = append(rows, attack{one.name, complete(t, s.alice.completesWith(t, o, clientData)).by(s.alice), 401, "action.assertion"})
	}
	for _, edits := range []struct {
		by     *account
		edits  []edit
		status int
		reason string
	}{
		{s.alice, signatureEdits(t, s), 401, "action.assertion"},
		{s.amy, derEdits(t), 401, "action.assertion"},
		{s.alice, credentialEdits(t, s), 401, "action.no-credential"},
		{s.alice, memberEdits(), 400, "request.malformed"},
		{s.alice, encodingEdits(), 400, "action.malformed"},
	} {
		for _, one := range edits.edits {
			c := edited(edits.by.completes(t, fresh(edits.by)), one.change)
			rows = append(rows, attack{one.name, complete(t, c).by(edits.by), edits.status, edits.reason})
		}
	}
	second := s.alice.completes(t, fresh(s.alice))
	second.SecondFactor = &second.FirstFactor
	revoked := s.amy.completes(t, fresh(s.amy))
	revoked.FirstFactor.Assertion.CredID = s.oldCred
	revoked.FirstFactor.Assertion.Signature = unpadded(sign(t, s.oldKey, decoded(t, revoked.FirstFactor.Assertion.ClientData)))
	return append(rows,
		attack{"a second factor that nobody would check", complete(t, second).by(s.alice), 400, "request.malformed"},
		attack{"a revoked credential's", complete(t, revoked).by(s.amy), 401, "action.no-credential"},
	)
}

// edit changes a good answer.
type edit struct {
	name   string
	change func(*factor)
}

func edited(c completion, change func(*factor)) completion {
	change(&c.FirstFactor)
	return c
}

// clientDataAttacks are texts that are signed with the right key.
func clientDataAttacks(other offer) []named {
	return []named{
		{"the client data of another challenge", other.clientData()},
		{"client data without a challenge", `{"type":"key.get"}`},
		{"client data without a type", `{"challenge":"CHALLENGE"}`},
		{"client data of a browser", `{"type":"webauthn.get","challenge":"CHALLENGE"}`},
		{"client data of a registration", `{"type":"key.create","challenge":"CHALLENGE"}`},
		{"client data from a frame", `{"type":"key.get","challenge":"CHALLENGE","crossOrigin":true}`},
		{"client data with two challenges", `{"type":"key.get","challenge":"x","challenge":"CHALLENGE"}`},
		{"client data with two spellings of a challenge", `{"type":"key.get","challenge":"CHALLENGE","Challenge":"x"}`},
		{"client data with the challenge inside another member", `{"type":"key.get","challenge":"x","x":{"challenge":"CHALLENGE"}}`},
		{"client data with a blank behind the challenge", `{"type":"key.get","challenge":"CHALLENGE "}`},
		{"client data with padding behind the challenge", `{"type":"key.get","challenge":"CHALLENGE="}`},
		{"client data that begins with a byte order mark", "\ufeff" + `{"type":"key.get","challenge":"CHALLENGE"}`},
		{"client data with text behind it", `{"type":"key.get","challenge":"CHALLENGE"}{}`},
		{"client data that is the challenge alone", "CHALLENGE"},
		{"client data in an array", `[{"type":"key.get","challenge":"CHALLENGE"}]`},
	}
}

// signatureEdits are for an Ed25519 key (RFC 8032 §5.1.7).
func signatureEdits(t *testing.T, s *stage) []edit {
	signature := func(name string, change func(signature []byte) []byte) edit {
		return edit{name, func(f *factor) { f.Assertion.Signature = unpadded(change([]byte(decoded(t, f.Assertion.Signature)))) }}
	}
	return []edit{
		{"another key's signature", func(f *factor) {
			f.Assertion.Signature = unpadded(sign(t, s.bob.key, decoded(t, f.Assertion.ClientData)))
		}},
		{"the signature of other client data", func(f *factor) { f.Assertion.Signature = unpadded(sign(t, s.alice.key, "{}")) }},
		{"no signature", func(f *factor) { f.Assertion.Signature = "" }},
		signature("a signature with a bit changed", func(b []byte) []byte { b[40] ^= 1; return b }),
		signature("a signature of zeros", func(b []byte) []byte { return make([]byte, len(b)) }),
		signature("a signature that is cut off", func(b []byte) []byte { return b[:63] }),
		signature("a signature that goes on", func(b []byte) []byte { return append(b, 0) }),
		signature("a signature with the order added to s", addOrder),
	}
}

// addOrder makes a second signature of a good one, as lenient verifiers allow it.
func addOrder(signature []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(signature[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(signature[:32]), sum...)
}

// derEdits are for a P-256 key.
func derEdits(t *testing.T) []edit {
	signature := func(name string, change func(signature []byte) []byte) edit {
		return edit{name, func(f *factor) { f.Assertion.Signature = unpadded(change([]byte(decoded(t, f.Assertion.Signature)))) }}
	}
	return []edit{
		signature("a DER signature of zeros", func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} }),
		signature("a signature as r and s", func(b []byte) []byte { return asRaw(t, b) }),
		signature("a DER signature with text behind it", func(b []byte) []byte { return append(b, 0) }),
		signature("a DER signature with a long length", func(b []byte) []byte { return append([]byte{0x30, 0x81, b[1]}, b[2:]...) }),
	}
}

// credentialEdits name credentials that are not the user's.
func credentialEdits(t *testing.T, s *stage) []edit {
	credential := func(name, id string) edit { return edit{name, func(f *factor) { f.Assertion.CredID = id }} }
	kind := func(name, kind string) edit { return edit{name, func(f *factor) { f.Kind = kind }} }
	return []edit{
		credential("a colleague's credential", s.amy.credential),
		{"another organisation's credential and signature", func(f *factor) {
			f.Assertion.CredID = s.bob.credential
			f.Assertion.Signature = unpadded(sign(t, s.bob.key, decoded(t, f.Assertion.ClientData)))
		}},
		credential("no credential", ""),
		credential("an unknown credential", "cr-00000-00000-0000000000000000"),
		credential("a credential in capitals", strings.ToUpper(s.alice.credential)),
		credential("a credential with a blank", s.alice.credential+" "),
		kind("a password's kind", "PasswordProtectedKey"),
		kind("an unknown kind", "Totp"),
		kind("no kind", ""),
		kind("the kind in small letters", "key"),
		{"the kind of an authenticator", func(f *factor) { f.Kind, f.Assertion.AuthenticatorData = "Fido2", unpadded(make([]byte, 37)) }},
	}
}

// memberEdits add what does not belong to a signature by a key.
func memberEdits() []edit {
	algorithm := func(name, algorithm string) edit {
		return edit{name, func(f *factor) { f.Assertion.Algorithm = algorithm }}
	}
	return []edit{
		algorithm("algorithm none", "none"), algorithm("algorithm MD5", "MD5"), algorithm("a public key's algorithm", "RSA-SHA1"),
		{"an authenticator's kind without its data", func(f *factor) { f.Kind = "Fido2" }},
		{"an authenticator's data with a key", func(f *factor) { f.Assertion.AuthenticatorData = unpadded(make([]byte, 37)) }},
	}
}

// encodingEdits write good client data and signatures in other encodings.
func encodingEdits() []edit {
	clientData := func(name string, change func(string) string) edit {
		return edit{name, func(f *factor) { f.Assertion.ClientData = change(f.Assertion.ClientData) }}
	}
	return []edit{
		clientData("padded client data", func(text string) string { return text + strings.Repeat("=", 1+len(text)%2) }),
		clientData("client data on two lines", func(text string) string { return text[:8] + "\n" + text[8:] }),
		clientData("client data as it is", func(text string) string {
			raw, _ := base64.RawURLEncoding.DecodeString(text)
			return string(raw)
		}),
		{"a signature with a blank", func(f *factor) { f.Assertion.Signature += " " }},
		{"a signature with stray bits", func(f *factor) { f.Assertion.Signature = f.Assertion.Signature[:85] + "_" }},
		{"a signature in standard base64", func(f *factor) { f.Assertion.Signature = "+/" + f.Assertion.Signature[2:] }},
	}
}
