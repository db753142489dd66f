package api

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/test/authenticator"
)

// bearer of a security key: a user who signs with nothing else.
type bearerOfKey struct {
	caller
	*authenticator.Authenticator
}

func (s *service) withSecurityKey(t testing.TB, name string) bearerOfKey {
	t.Helper()
	b := bearerOfKey{s.caller(t, name, "or-one", identity.Permissions()...), authenticator.NewP256(t, "keys.example", "https://keys.example")}
	b.credential = identity.CredentialID(b.Authenticator.ID)
	s.book.change(func() {
		own := &s.book.credentials[len(s.book.credentials)-1]
		own.ID, own.Kind, own.PublicKey = b.credential, identity.Fido2Credential, b.PublicKey(t)
	})
	return b
}

// fido2 is the answer to a challenge as the official browser SDK writes it.
func (b bearerOfKey) fido2(t testing.TB, issued answer) map[string]any {
	t.Helper()
	by := b.Assert(t, issued.body["challenge"].(string))
	return map[string]any{
		"challengeIdentifier": issued.body["challengeIdentifier"],
		"firstFactor": map[string]any{"kind": "Fido2", "credentialAssertion": map[string]any{
			"credId":            b.Authenticator.ID,
			"clientData":        base64.RawURLEncoding.EncodeToString(by.ClientData),
			"authenticatorData": base64.RawURLEncoding.EncodeToString(by.AuthenticatorData),
			"signature":         base64.RawURLEncoding.EncodeToString(by.Signature),
			"userHandle":        "dXM",
		}},
	}
}

func (s *service) challenge(t testing.TB, by caller, path, payload string) answer {
	t.Helper()
	issued := s.send(t, by, "POST", "/auth/action/init", initText(t, "POST", path, payload))
	if issued.status != http.StatusOK {
		t.Fatalf("init: %d %s", issued.status, issued.text)
	}
	return issued
}

func TestSecurityKeyExports(t *testing.T) {
	s := newService(t)
	bob := s.withSecurityKey(t, "bob")
	body := exportText(t)
	completed := s.send(t, bob.caller, "POST", "/auth/action", jsonOf(t, bob.fido2(t, s.challenge(t, bob.caller, exportPath(sampleKey), body))))
	if completed.status != http.StatusOK {
		t.Fatalf("%d %s", completed.status, completed.text)
	}
	r := s.request(t, bob.caller, "POST", exportPath(sampleKey), body)
	r.Header.Set("x-dfns-useraction", completed.body["userAction"].(string))
	if got := s.do(t, r); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
	if begun := s.book.recorded(audit.ExportBegun); len(begun) != 1 || begun[0].Credential != bob.credential {
		t.Errorf("recorded %+v", begun)
	}
}

func TestCounterThatDoesNotGrowIsRefused(t *testing.T) {
	s := newService(t)
	bob := s.withSecurityKey(t, "bob")
	for _, c := range []struct {
		counter uint32 // before it counts
		taken   bool
	}{{6, true}, {6, false}, {5, false}, {7, true}, {1<<32 - 1, false}} { // the last one is 0 again
		bob.Counter = c.counter
		body := jsonOf(t, bob.fido2(t, s.challenge(t, bob.caller, "/keys/import", "{}")))
		if c.taken {
			if got := s.send(t, bob.caller, "POST", "/auth/action", body); got.status != http.StatusOK {
				t.Errorf("after %d: %d %s", c.counter, got.status, got.text)
			}
			continue
		}
		s.expectRefusal(t, s.request(t, bob.caller, "POST", "/auth/action", body), bob.caller, refusal{http.StatusUnauthorized, "action.counter"})
	}
}

func TestAuthenticatorWithoutACounterIsTaken(t *testing.T) {
	s := newService(t)
	bob := s.withSecurityKey(t, "bob")
	bob.Counts = false
	for range 3 {
		body := jsonOf(t, bob.fido2(t, s.challenge(t, bob.caller, "/keys/import", "{}")))
		if got := s.send(t, bob.caller, "POST", "/auth/action", body); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
}

func TestCompleteActionRefusesFido2(t *testing.T) {
	s := newService(t)
	alice, bob, carol := s.alice(t), s.withSecurityKey(t, "bob"), s.withSecurityKey(t, "carol")
	carol.Authenticator.Counter = 1000 // so that her data is never the same as bob's
	bad := refusal{http.StatusUnauthorized, "action.assertion"}
	malformed := refusal{http.StatusBadRequest, "request.malformed"}
	noCredential := refusal{http.StatusUnauthorized, "action.no-credential"}
	for name, c := range map[string]struct {
		edit func(body, factor, assertion map[string]any)
		want refusal
	}{
		"no authenticator data":     {func(_, _, a map[string]any) { delete(a, "authenticatorData") }, malformed},
		"null authenticator data":   {func(_, _, a map[string]any) { a["authenticatorData"] = nil }, malformed},
		"empty authenticator data":  {func(_, _, a map[string]any) { a["authenticatorData"] = "" }, malformed},
		"padded authenticator data": {func(_, _, a map[string]any) { a["authenticatorData"] = "AA==" }, refusal{http.StatusBadRequest, "action.malformed"}},
		"short authenticator data":  {func(_, _, a map[string]any) { a["authenticatorData"] = "AAAA" }, bad},
		"another's authenticator data": {func(_, _, a map[string]any) {
			a["authenticatorData"] = base64.RawURLEncoding.EncodeToString(carol.Data())
		}, bad},
		"handle of no text":         {func(_, _, a map[string]any) { a["userHandle"] = 1 }, malformed},
		"as a key":                  {func(_, f, _ map[string]any) { f["kind"] = "Key" }, malformed},
		"as another kind":           {func(_, f, a map[string]any) { f["kind"] = "Password"; delete(a, "authenticatorData") }, noCredential},
		"with another's credential": {func(_, _, a map[string]any) { a["credId"] = carol.Authenticator.ID }, noCredential},
		"with a key's credential":   {func(_, _, a map[string]any) { a["credId"] = alice.credential }, noCredential},
		"with a padded id":          {func(_, _, a map[string]any) { a["credId"] = bob.Authenticator.ID + "=" }, noCredential},
	} {
		t.Run(name, func(t *testing.T) {
			body := bob.fido2(t, s.challenge(t, bob.caller, "/keys/import", "{}"))
			factor := body["firstFactor"].(map[string]any)
			c.edit(body, factor, factor["credentialAssertion"].(map[string]any))
			s.expectRefusal(t, s.request(t, bob.caller, "POST", "/auth/action", jsonOf(t, body)), bob.caller, c.want)
		})
	}
}

func TestInitListsCredentialsByKind(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	s.book.change(func() {
		for _, c := range []identity.Credential{
			{ID: "cHBr", Kind: identity.PasswordProtectedCredential, EncryptedPrivateKey: "LsXV+/=", Active: true},
			{ID: "ZmlkbzI", Kind: identity.Fido2Credential, Active: true},
			{ID: "cmV2b2tlZA", Kind: identity.Fido2Credential},
		} {
			c.Org, c.User = alice.Org, alice.ID
			s.book.credentials = append(s.book.credentials, c)
		}
	})
	got := s.challenge(t, alice, "/keys/import", "{}")
	want := map[string]any{
		"key":                  []any{map[string]any{"type": "public-key", "id": "cr-alice"}},
		"webauthn":             []any{map[string]any{"type": "public-key", "id": "ZmlkbzI"}},
		"passwordProtectedKey": []any{map[string]any{"type": "public-key", "id": "cHBr", "encryptedPrivateKey": "LsXV+/="}},
	}
	if diff := cmp.Diff(want, got.body["allowCredentials"]); diff != "" {
		t.Error(diff)
	}
	var kinds []any
	for _, kind := range got.body["supportedCredentialKinds"].([]any) {
		kinds = append(kinds, kind.(map[string]any)["kind"])
	}
	if diff := cmp.Diff([]any{"Key", "Fido2", "PasswordProtectedKey"}, kinds); diff != "" {
		t.Error(diff)
	}
}
