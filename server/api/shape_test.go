package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/shares/attest"
)

// expect compares a whole success body, so that no member is missing, null or added.
func expect(t *testing.T, got answer, want map[string]any) {
	t.Helper()
	if got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.text)
	}
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func (s *service) sampleBody() map[string]any {
	key := s.book.keys[sampleKey]
	return map[string]any{
		"id": string(sampleKey), "scheme": "ECDSA", "curve": "secp256k1", "publicKey": key.PublicKey.Hex(), "status": "Active",
		"custodial": true, "imported": true, "dateCreated": "2026-11-01T12:00:00.123Z",
	}
}

func TestListSignersShape(t *testing.T) {
	s := newService(t)
	var signers []any
	for _, one := range s.holders {
		signers = append(signers, map[string]any{
			"signerId": one.info.ID.String(), "encryptionKey": one.info.EncryptionKey.String(),
			"identityKeys": []any{base64.StdEncoding.EncodeToString(one.info.Identity())}, "identityLinks": []any{},
			"signature": base64.StdEncoding.EncodeToString(one.info.Signature),
		})
	}
	expect(t, s.send(t, s.alice(t), "GET", "/signers", ""), map[string]any{
		"clusters": []any{map[string]any{"clusterId": cluster, "deployment": deployment, "signers": signers}},
	})
}

func TestListedSignersAreThePinnedOnes(t *testing.T) {
	s := newService(t)
	listed, err := attest.ParseSigners([]byte(s.send(t, s.alice(t), "GET", "/signers", "").text))
	if err != nil {
		t.Fatal(err)
	}
	if err := attest.Signers(s.api.Transfer.Manifest, listed); err != nil {
		t.Error(err)
	}
}

func TestGetKeyShape(t *testing.T) {
	s := newService(t)
	want := s.sampleBody()
	want["wallets"] = []any{map[string]any{"id": "wa-aaaaa-bbbbb-cccccccccccccccc", "network": "KeyECDSA"}}
	want["store"] = map[string]any{"id": cluster, "kind": "Mpc", "keyId": string(sampleKey)}
	expect(t, s.send(t, s.alice(t), "GET", "/keys/"+string(sampleKey), ""), want)
}

func TestListKeysShape(t *testing.T) {
	s := newService(t)
	expect(t, s.send(t, s.alice(t), "GET", "/keys", ""), map[string]any{"items": []any{s.sampleBody()}})
}

func TestListKeysOfAnOrganisationWithoutKeysIsAnEmptyList(t *testing.T) {
	s := newService(t)
	bob := s.caller(t, "bob", "or-two", identity.KeysRead)
	expect(t, s.send(t, bob, "GET", "/keys", ""), map[string]any{"items": []any{}})
}

func TestListKeysGivesEveryKeyOnceAndNoTokenAtTheEnd(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for i := range 6 {
		key := s.book.keys[sampleKey]
		key.ID = keyring.KeyID(fmt.Sprintf("key-%d", i))
		key.CreatedAt = key.CreatedAt.Add(time.Duration(i/2) * time.Second) // some are of one age
		s.book.keys[key.ID] = key
	}
	seen := map[string]bool{}
	path := "/keys?limit=3"
	for page := 1; path != ""; page++ {
		got := s.send(t, alice, "GET", path, "")
		for _, item := range got.body["items"].([]any) {
			seen[item.(map[string]any)["id"].(string)] = true
		}
		path = ""
		if token, more := got.body["nextPageToken"].(string); more {
			path = "/keys?limit=3&paginationToken=" + token
		}
		if page > 3 {
			t.Fatal("the list does not end")
		}
	}
	if len(seen) != 7 {
		t.Errorf("got %d of 7 keys: %v", len(seen), seen)
	}
}

func TestListKeysTakesEmptyAndUnknownParameters(t *testing.T) {
	s := newService(t)
	got := s.send(t, s.alice(t), "GET", "/keys?limit=&paginationToken=&owner=&color=red", "")
	expect(t, got, map[string]any{"items": []any{s.sampleBody()}})
}

func TestInitActionShape(t *testing.T) {
	s := newService(t)
	got := s.send(t, s.alice(t), "POST", "/auth/action/init", initText(t, "POST", "//keys/import?x=1", `{"a":1}`))
	nonce, _ := got.body["challengeInput"].(map[string]any)["nonce"].(string)
	input := challenge.Input{
		Label: challenge.Label, Deployment: deployment, Organisation: "or-one", User: "us-alice",
		IssuedAt: challenge.MillisOf(start), ExpiresAt: challenge.MillisOf(start.Add(time.Minute)),
		Method: "POST", Path: "/keys/import", PayloadHash: challenge.HashPayload(`{"a":1}`),
	}
	if err := input.Nonce.UnmarshalText([]byte(nonce)); err != nil || input.Nonce == (challenge.Bytes{}) {
		t.Fatalf("nonce %q: %v", nonce, err)
	}
	identifier, err := s.identifiers.Identify(input, `{"a":1}`)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, got, map[string]any{
		"challenge":           input.Challenge(),
		"challengeIdentifier": identifier,
		"challengeInput": map[string]any{
			"label": "keyferry user action v1", "deployment": deployment, "organisation": "or-one", "user": "us-alice",
			"nonce": nonce, "issuedAt": float64(start.UnixMilli()), "expiresAt": float64(start.Add(time.Minute).UnixMilli()),
			"method": "POST", "path": "/keys/import",
			// sha256sum of {"a":1}
			"payloadHash": "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
		},
		"rp":                        map[string]any{"id": "keys.example", "name": "Example"},
		"supportedCredentialKinds":  []any{map[string]any{"kind": "Key", "factor": "first", "requiresSecondFactor": false}},
		"userVerification":          "required",
		"attestation":               "none",
		"externalAuthenticationUrl": "",
		"allowCredentials": map[string]any{
			"key":      []any{map[string]any{"type": "public-key", "id": "cr-alice"}},
			"webauthn": []any{}, "passwordProtectedKey": []any{},
		},
	})
}

func TestCompleteActionShape(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	issued := s.send(t, alice, "POST", "/auth/action/init", initText(t, "POST", "/keys/import", "{}"))
	got := s.send(t, alice, "POST", "/auth/action", jsonOf(t, alice.assertion(t, issued)))
	token, _ := got.body["userAction"].(string)
	if token == "" {
		t.Fatalf("no token: %s", got.text)
	}
	expect(t, got, map[string]any{"userAction": token})
}

// withoutStatements verifies the statements of an export, one for each share, and takes
// them away: no two are equal.
func (s *service) withoutStatements(t *testing.T, got answer) answer {
	t.Helper()
	export, err := attest.ParseExport([]byte(got.text))
	if err != nil || len(export.Statements) != len(export.Shares) {
		t.Fatalf("%d statements, %v: %s", len(export.Statements), err, got.text)
	}
	for i, written := range export.Statements {
		stated, err := written.Parse()
		if err != nil {
			t.Fatal(err)
		}
		if err := stated.Verify(s.holders[i].info.Member); err != nil || written.SignerID != export.Shares[i].SignerID {
			t.Errorf("statement %d of %s: %v", i, written.SignerID, err)
		}
	}
	delete(got.body, "statements")
	return got
}

func TestExportShapeAndWhatTheKeySaysAfterwards(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	var sealed []any
	for _, one := range s.holders {
		sealed = append(sealed, map[string]any{
			"signerId": one.info.ID.String(), "encryptedKeyShare": base64.StdEncoding.EncodeToString(one.envelope),
		})
	}
	want := map[string]any{
		"publicKey": s.book.keys[sampleKey].PublicKey.Hex(), "protocol": "CGGMP24", "curve": "secp256k1", "minSigners": 2.0,
		"encryptedKeyShares": sealed,
	}
	expect(t, s.withoutStatements(t, s.do(t, s.signed(t, alice, exportPath(sampleKey), exportText(t)))), want)

	s.wait(time.Second)
	expect(t, s.withoutStatements(t, s.do(t, s.signed(t, alice, exportPath(sampleKey), exportText(t)))), want)
	key := s.sampleBody()
	key["exported"], key["dateExported"] = true, "2026-11-01T12:00:00.123Z" // of the first
	expect(t, s.send(t, alice, "GET", "/keys", ""), map[string]any{"items": []any{key}})
	if n := len(s.book.recorded(audit.RequestRefused)); n != 0 {
		t.Errorf("%d refusals recorded", n)
	}
}

func TestImportShape(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	got := s.do(t, s.signed(t, alice, "/keys/import", s.importText(t)))
	want := s.sampleBody() // it has the same public key, being dealt by the same polynomial
	want["id"], want["name"] = got.body["id"], "Treasury <1>"
	expect(t, got, want)
	if again := s.send(t, alice, "GET", fmt.Sprint("/keys/", want["id"]), ""); again.status != http.StatusOK {
		t.Errorf("the new key: %d %s", again.status, again.text)
	}
}

// The Python SDK writes its body anew after signing it.
func TestExportTakesABodyThatIsSpelledAnew(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	body := exportText(t)
	r := s.request(t, alice, "POST", exportPath(sampleKey), " "+body+"\n")
	r.Header.Set("x-dfns-useraction", s.consent(t, alice, "POST", exportPath(sampleKey), body))
	if got := s.do(t, r); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
}
