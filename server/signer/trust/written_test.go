package trust_test

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// knownKey is the public key of RFC 8410 §10.1.
const knownKey = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"

// A signed document must keep its spelling for ever, whatever the JSON library does.
const knownText = `{
  "version": 1,
  "deployment": "test-deployment",
  "organisation": "or-one",
  "serial": 3,
  "issuedAt": "2026-11-01T12:00:00Z",
  "export": {
    "active": true,
    "reference": "\"a\" & <b> \\ ü"
  },
  "users": [
    {
      "id": "us-alice",
      "active": true
    }
  ],
  "credentials": [
    {
      "id": "cr-alice",
      "user": "us-alice",
      "kind": "Key",
      "publicKey": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
      "active": true
    }
  ],
  "schemes": [
    "FROST/ed25519"
  ],
  "minSigners": 2,
  "relyingParty": {
    "id": "localhost",
    "origins": [
      "http://localhost:*"
    ]
  },
  "revocations": [
    {
      "credential": "cr-gone",
      "at": "2026-11-01T12:00:00Z",
      "reason": "lost"
    }
  ]
}
`

func knownDocument(t *testing.T) trust.Document {
	t.Helper()
	return trust.Document{
		Deployment: deployment, Org: org, Serial: 3, IssuedAt: start,
		Export:       trust.Export{Active: true, Reference: `"a" & <b> \ ü`},
		Users:        []trust.User{{ID: alice, Active: true}},
		Credentials:  []trust.Credential{{ID: key, User: alice, Kind: identity.KeyCredential, PublicKey: knownKey, Active: true}},
		Schemes:      []shares.Scheme{scheme(t, "FROST", "ed25519")},
		MinSigners:   2,
		RelyingParty: useraction.RelyingParty{ID: "localhost", Origins: []string{"http://localhost:*"}},
		Revocations:  []trust.Revocation{{Credential: gone, At: start, Reason: "lost"}},
	}
}

func TestDocumentHasOneSpellingForEver(t *testing.T) {
	d := knownDocument(t)
	if diff := cmp.Diff(knownText, string(marshal(t, d))); diff != "" {
		t.Error(diff)
	}
	parsed, err := trust.Parse([]byte(knownText))
	if err != nil {
		t.Fatal(err)
	}
	if got := marshal(t, parsed); string(got) != knownText {
		t.Errorf("it came back as %s", got)
	}
}

// What says nothing is not written, so that documents from before approvals keep their
// spelling. There is one spelling of what does.
func TestApprovalsHaveOneSpelling(t *testing.T) {
	d := knownDocument(t)
	d.Export.Approvals, d.Credentials[0].Approves = 2, true
	text := strings.Replace(knownText, `\\ ü"
  }`, `\\ ü",
    "approvals": 2
  }`, 1)
	text = strings.Replace(text, `      "active": true
    }
  ],
  "schemes"`, `      "active": true,
      "approves": true
    }
  ],
  "schemes"`, 1)
	if diff := cmp.Diff(text, string(marshal(t, d))); diff != "" {
		t.Error(diff)
	}
	if parsed, err := trust.Parse([]byte(text)); err != nil || parsed.Export.Approvals != 2 || !parsed.Credentials[0].Approves {
		t.Errorf("%+v, %v", parsed, err)
	}
	for name, spelled := range map[string]string{
		"no approvals, written out": strings.Replace(text, `"approvals": 2`, `"approvals": 0`, 1),
		"no approver, written out":  strings.Replace(text, `"approves": true`, `"approves": false`, 1),
	} {
		if _, err := trust.Parse([]byte(spelled)); err != nil {
			t.Errorf("%s, in a draft: %v", name, err)
		}
		root := newRootKey(t)
		if _, err := trust.Verify(trust.SignText([]byte(spelled), root), root.Public()); !errors.Is(err, trust.ErrSpelling) {
			t.Errorf("%s, signed: %v", name, err)
		}
	}
}

func TestParseReadsWhatMarshalWrites(t *testing.T) {
	d := document(t)
	parsed, err := trust.Parse(marshal(t, d))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, parsed, cmp.Comparer(func(a, b shares.Scheme) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestParsePutsAnEditedDraftInOrder(t *testing.T) {
	want := marshal(t, document(t))
	d, err := trust.Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	users := `"users":[{"active":false,"id":"us-bob"},{"id":"us-alice","active":true}],`
	draft := string(want)
	from, to := strings.Index(draft, `"users"`), strings.Index(draft, `"credentials"`)
	draft = strings.ReplaceAll(draft[:from]+users+draft[to:], `-----END PUBLIC KEY-----\n`, `-----END PUBLIC KEY-----\r\n\r\n`)
	draft = strings.Replace(draft, `"CGGMP21/secp256k1",`, "", 1)
	draft = strings.Replace(draft, `"FROST/ed25519"`, `"FROST/ed25519", "CGGMP21/secp256k1"`, 1)
	edited, err := trust.Parse([]byte(draft))
	if err != nil {
		t.Fatal(err)
	}
	if got := marshal(t, edited); !bytes.Equal(got, marshal(t, d)) {
		t.Errorf("got %s", got)
	}
}

func TestParseRefusesTextsThatAreNoDocument(t *testing.T) {
	text := string(marshal(t, document(t)))
	for name, draft := range map[string]string{
		"nothing":                     "",
		"an array":                    "[]",
		"a truncated text":            text[:len(text)/2],
		"text behind it":              text + "x",
		"an unknown member":           strings.Replace(text, `"serial"`, `"seriall": 1, "serial"`, 1),
		"an unknown inner member":     strings.Replace(text, `"reference"`, `"until": "x", "reference"`, 1),
		"a member in capitals":        strings.Replace(text, `"minSigners"`, `"MinSigners"`, 1),
		"a member twice":              strings.Replace(text, `"serial": 3`, `"serial": 3, "serial": 4`, 1),
		"a missing member":            strings.Replace(text, `"minSigners": 3,`, "", 1),
		"no users":                    strings.Replace(text, `"users"`, `"x"`, 1),
		"null":                        strings.Replace(text, `"minSigners": 3`, `"minSigners": null`, 1),
		"a serial with a fraction":    strings.Replace(text, `"serial": 3`, `"serial": 3.0`, 1),
		"a negative serial":           strings.Replace(text, `"serial": 3`, `"serial": -3`, 1),
		"a time with a zone":          strings.Replace(text, "12:00:00Z", "12:00:00+01:00", 1),
		"a time with a fraction":      strings.Replace(text, "12:00:00Z", "12:00:00.5Z", 1),
		"an alias of a scheme":        strings.Replace(text, "CGGMP21/", "CGGMP24/", 1),
		"an unknown scheme":           strings.Replace(text, "CGGMP21/", "GG18/", 1),
		"approvals as text":           strings.Replace(text, `"reference"`, `"approvals": "1", "reference"`, 1),
		"no number of approvals":      strings.Replace(text, `"reference"`, `"approvals": null, "reference"`, 1),
		"a scheme twice":              strings.Replace(text, `"FROST/ed25519"`, `"CGGMP21/secp256k1"`, 1),
		"a relying party without id":  strings.Replace(text, `"example.com"`, `""`, 1),
		"two PEM blocks":              strings.Replace(text, `-----END PUBLIC KEY-----\n`, `-----END PUBLIC KEY-----\n`+strings.ReplaceAll(knownKey, "\n", `\n`), 1),
		"text in front of a key":      strings.Replace(text, `"-----BEGIN`, `"x\n-----BEGIN`, 1),
		"a PEM block with headers":    strings.Replace(text, `-----BEGIN PUBLIC KEY-----\n`, `-----BEGIN PUBLIC KEY-----\nA: b\n\n`, 1),
		"more than the largest file":  text + strings.Repeat(" ", 16<<20),
		"a text that is nested a lot": strings.Repeat(`{"version":`, 100),
	} {
		if _, err := trust.Parse([]byte(draft)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestParseRefusesUnknownVersionsByName(t *testing.T) {
	for _, version := range []string{"0", "2", "99"} {
		text := strings.Replace(string(marshal(t, document(t))), `"version": 1`, `"future": {}, "version": `+version, 1)
		if _, err := trust.Parse([]byte(text)); !errors.Is(err, trust.ErrVersion) {
			t.Errorf("version %s: %v", version, err)
		}
	}
}

func TestMarshalRefusesWhatBreaksARule(t *testing.T) {
	for name, spoil := range map[string]func(d *trust.Document){
		"no deployment":                   func(d *trust.Document) { d.Deployment = "" },
		"a blank in the deployment":       func(d *trust.Document) { d.Deployment = "a b" },
		"a long deployment":               func(d *trust.Document) { d.Deployment = strings.Repeat("x", 101) },
		"no organisation":                 func(d *trust.Document) { d.Org = "" },
		"a path as organisation":          func(d *trust.Document) { d.Org = "../etc" },
		"capitals in the organisation":    func(d *trust.Document) { d.Org = "or-ONE" },
		"a long organisation":             func(d *trust.Document) { d.Org = identity.OrgID(strings.Repeat("o", 65)) },
		"serial 0":                        func(d *trust.Document) { d.Serial = 0 },
		"a serial that JSON cannot carry": func(d *trust.Document) { d.Serial = 1 << 53 },
		"no time":                         func(d *trust.Document) { d.IssuedAt = time.Time{} },
		"a time of nanoseconds":           func(d *trust.Document) { d.IssuedAt = start.Add(1) },
		"activation without reference":    func(d *trust.Document) { d.Export.Reference = " " },
		"a line end in the reference":     func(d *trust.Document) { d.Export.Reference = "a\nuser us-x: removed" },
		"reversed text in the reference":  func(d *trust.Document) { d.Export.Reference = "a\u202eb" },
		"a long reference":                func(d *trust.Document) { d.Export.Reference = strings.Repeat("x", 201) },
		"approvals -1":                    func(d *trust.Document) { d.Export.Approvals = -1 },
		"approvals 5":                     func(d *trust.Document) { d.Export.Approvals = 5 },
		"minSigners 1":                    func(d *trust.Document) { d.MinSigners = 1 },
		"minSigners 256":                  func(d *trust.Document) { d.MinSigners = 256 },
		"a user twice":                    func(d *trust.Document) { d.Users = append(d.Users, d.Users[1]) },
		"users out of order":              func(d *trust.Document) { d.Users[0], d.Users[1] = d.Users[1], d.Users[0] },
		"a user without id":               func(d *trust.Document) { d.Users = append([]trust.User{{}}, d.Users...) },
		"too many users":                  func(d *trust.Document) { d.Users = make([]trust.User, 10_001) },
		"too many credentials":            func(d *trust.Document) { d.Credentials = make([]trust.Credential, 20_001) },
		"too many revocations":            func(d *trust.Document) { d.Revocations = make([]trust.Revocation, 20_001) },
		"a credential twice":              func(d *trust.Document) { d.Credentials = append(d.Credentials, d.Credentials[1]) },
		"a credential without id":         func(d *trust.Document) { d.Credentials[0].ID = "" },
		"a credential with a blank":       func(d *trust.Document) { d.Credentials[0].ID = "a b" },
		"a long credential id":            func(d *trust.Document) { d.Credentials[1].ID = identity.CredentialID(strings.Repeat("c", 1365)) },
		"a credential of nobody":          func(d *trust.Document) { d.Credentials[0].User = "us-carol" },
		"an unknown kind":                 func(d *trust.Document) { d.Credentials[0].Kind = "Totp" },
		"no public key":                   func(d *trust.Document) { d.Credentials[0].PublicKey = "" },
		"a key that is none":              func(d *trust.Document) { d.Credentials[0].PublicKey = strings.Replace(knownKey, "MCow", "AAAA", 1) },
		"a key in another form":           func(d *trust.Document) { d.Credentials[1].PublicKey += "\n" },
		"one key twice":                   func(d *trust.Document) { d.Credentials[1].PublicKey = d.Credentials[0].PublicKey },
		"a Fido2 credential for no party": func(d *trust.Document) { d.RelyingParty = useraction.RelyingParty{} },
		"active and revoked":              func(d *trust.Document) { d.Revocations[0].Credential = key },
		"a revocation twice":              func(d *trust.Document) { d.Revocations = append(d.Revocations, d.Revocations[0]) },
		"a revocation of nothing":         func(d *trust.Document) { d.Revocations[0].Credential = "" },
		"a revocation without time":       func(d *trust.Document) { d.Revocations[0].At = time.Time{} },
		"a line end in a reason":          func(d *trust.Document) { d.Revocations[0].Reason = "a\nb" },
		"schemes out of order":            func(d *trust.Document) { d.Schemes[0], d.Schemes[1] = d.Schemes[1], d.Schemes[0] },
		"a scheme that is none":           func(d *trust.Document) { d.Schemes = []shares.Scheme{{}} },
		"origins out of order":            func(d *trust.Document) { o := d.RelyingParty.Origins; o[0], o[1] = o[1], o[0] },
		"a party without origins":         func(d *trust.Document) { d.RelyingParty.Origins = nil },
		"a party in capitals":             func(d *trust.Document) { d.RelyingParty.ID = "Example.com" },
		"an origin without TLS":           func(d *trust.Document) { d.RelyingParty.Origins = []string{"http://example.com"} },
		"an origin elsewhere":             func(d *trust.Document) { d.RelyingParty.Origins = []string{"https://example.org"} },
		"an origin that looks like it":    func(d *trust.Document) { d.RelyingParty.Origins = []string{"https://notexample.com"} },
		"an origin with a path":           func(d *trust.Document) { d.RelyingParty.Origins = []string{"https://example.com/"} },
		"every port of a real domain":     func(d *trust.Document) { d.RelyingParty.Origins = []string{"https://example.com:*"} },
		"too many origins":                func(d *trust.Document) { d.RelyingParty.Origins = make([]string, 33) },
	} {
		t.Run(name, func(t *testing.T) {
			d := document(t)
			marshal(t, d)
			spoil(&d)
			if text, err := d.Marshal(); err == nil {
				t.Errorf("accepted: %s", text)
			}
		})
	}
}

func TestCredentialsThatCouldNeverSignAreRefused(t *testing.T) {
	d := document(t)
	d.Credentials[0].PublicKey = newECDSA(t, elliptic.P384())
	if _, err := d.Marshal(); !errors.Is(err, useraction.ErrPublicKey) {
		t.Errorf("a P-384 authenticator: %v", err)
	}
	d.Credentials[0].Active = false
	if _, err := d.Marshal(); err == nil {
		t.Error("one that is switched off was accepted with a key that it cannot have")
	}
}

func TestMarshalNamesEverythingThatIsWrong(t *testing.T) {
	d := document(t)
	d.MinSigners, d.Serial, d.Credentials[1].User = 0, 0, "us-carol"
	_, err := d.Marshal()
	for _, want := range []string{"minSigners 0", "serial 0", `"us-carol" is not listed`} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
