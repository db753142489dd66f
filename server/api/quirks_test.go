package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/useraction"
	"keyferry/shares/envelope/envelopetest"
)

// sdk writes requests as one official SDK does: the bytes of its headers, and what it
// signs beside what it sends.
type sdk struct {
	name    string
	headers func(token, action string) string // those of each request, GET too
}

var (
	goSDK = sdk{"Go", func(token, action string) string {
		text := "Authorization: Bearer " + token + "\r\nContent-Type: application/json\r\nUser-Agent: Go-http-client/1.1\r\n"
		if action != "" {
			text += "X-Dfns-Useraction: " + action + "\r\n"
		}
		return text
	}}
	pythonSDK = sdk{"Python", func(token, action string) string {
		text := "accept: */*\r\nuser-agent: python-httpx/0.27.2\r\nauthorization: Bearer " + token + "\r\ncontent-type: application/json\r\n"
		if action != "" {
			text += "x-dfns-useraction: " + action + "\r\n"
		}
		return text
	}}
)

func (k sdk) send(t testing.TB, s *service, by caller, method, target, body, action string) answer {
	t.Helper()
	text := method + " " + target + " HTTP/1.1\r\nHost: keys.example\r\nConnection: close\r\n" + k.headers(by.token, action)
	if body != "" {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return s.raw(t, method, text+"\r\n"+body)
}

func TestSDKsThatSendAContentTypeOnGETAreServed(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, k := range []sdk{goSDK, pythonSDK} {
		for _, target := range []string{"/keys", "/keys/" + string(sampleKey), "/signers", "//keys?limit=5", "//signers"} {
			if got := k.send(t, s, alice, "GET", target, "", ""); got.status != http.StatusOK {
				t.Errorf("%s: GET %s: %d %s", k.name, target, got.status, got.text)
			}
		}
	}
}

const (
	compactExport = `{"encryptionKey":"%s","supportedSchemes":[{"protocol":"CGGMP21","curve":"secp256k1"}]}`
	blankedExport = `{"encryptionKey": "%s", "supportedSchemes": [{"protocol": "CGGMP21", "curve": "secp256k1"}]}`
)

func TestExportsTakeWhatEachSDKSignsAndSends(t *testing.T) {
	path := exportPath(sampleKey)
	for name, c := range map[string]struct {
		sdk                  sdk
		signedPath, target   string
		payload, sentPayload string
	}{
		"Go":                              {goSDK, path, path, compactExport, compactExport},
		"Go with a query":                 {goSDK, path + "?a=1&b=%2F", path + "?a=1&b=%2F", compactExport, compactExport},
		"Go with a slash behind its base": {goSDK, "/" + path, "/" + path, compactExport, compactExport},
		"Go that signs no double slash":   {goSDK, path, "/" + path, compactExport, compactExport},
		"Go that escapes the id":          {goSDK, path, strings.ReplaceAll(path, "-", "%2D"), compactExport, compactExport},
		"Python, httpx before 0.28":       {pythonSDK, path, path, compactExport, blankedExport},
		"Python, httpx from 0.28 on":      {pythonSDK, path, path, compactExport, compactExport},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			alice, key := s.alice(t), envelopetest.EncryptionKey(t).String()
			action := s.consent(t, alice, "POST", c.signedPath, fmt.Sprintf(c.payload, key))
			got := c.sdk.send(t, s, alice, "POST", c.target, fmt.Sprintf(c.sentPayload, key), action)
			if got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.text)
			}
		})
	}
}

func TestImportsTakeNamesAsEachSDKEscapesThem(t *testing.T) {
	for name, c := range map[string]struct {
		sdk          sdk
		signed, sent string // the name's JSON
		want         string
	}{
		"Go escapes HTML, twice the same":   {goSDK, `"A \u0026 B \u003c1\u003e"`, `"A \u0026 B \u003c1\u003e"`, "A & B <1>"},
		"Python signs ASCII, sends UTF-8":   {pythonSDK, `"Caf\u00e9 \ud83d\udd11 \u2028"`, "\"Café 🔑 \u2028\"", "Café 🔑 \u2028"},
		"Python escapes slashes nowhere":    {pythonSDK, `"a/b"`, `"a/b"`, "a/b"},
		"Python keeps a quote and a letter": {pythonSDK, `"\"x\" \u00c5"`, `"\"x\" Å"`, `"x" Å`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			alice := s.alice(t)
			body := s.importText(t)
			named := func(text string) string {
				return strings.Replace(body, `"name":"Treasury \u003c1\u003e"`, `"name":`+text, 1)
			}
			if named(c.signed) == body {
				t.Fatal("the body has no such name")
			}
			action := s.consent(t, alice, "POST", "/keys/import", named(c.signed))
			got := c.sdk.send(t, s, alice, "POST", "/keys/import", named(c.sent), action)
			if got.status != http.StatusOK || got.body["name"] != c.want {
				t.Errorf("%d %s", got.status, got.text)
			}
		})
	}
}

// The Python SDK signs an empty payload for the body {}. No endpoint here has use for
// such a body; that it would be the one that was signed is for server/useraction to
// say.
func TestAnEmptyPayloadIsForAnEmptyObject(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	principal, err := s.api.Identity.Authenticate(context.Background(), alice.token)
	if err != nil {
		t.Fatal(err)
	}
	path := exportPath(sampleKey)
	for body, want := range map[string]error{"{}": nil, "": nil, " { } ": nil, "[]": useraction.ErrOtherRequest, `{"a":1}`: useraction.ErrOtherRequest} {
		action := s.consent(t, alice, "POST", path, "")
		_, err := s.api.Actions.Verify(context.Background(), principal, action, challenge.Request{Method: "POST", Path: path, Payload: body})
		if fault.ReasonOf(err) != fault.ReasonOf(want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v", body, err)
		}
	}
	got := pythonSDK.send(t, s, alice, "POST", path, "{}", s.consent(t, alice, "POST", path, ""))
	expectError(t, got, http.StatusBadRequest)
}

// What is another value in any reader's eyes is another request, however alike.
func TestBodiesThatOnlyLookLikeWhatWasSignedAreRefused(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	body := s.importText(t)
	for name, sent := range map[string]string{
		"another number":         strings.Replace(body, `"minSigners":2`, `"minSigners":3`, 1),
		"another name":           strings.Replace(body, "Treasury", "treasury", 1),
		"one member more":        strings.Replace(body, `{"curve"`, `{"masterKey":false,"curve"`, 1),
		"a letter composed anew": strings.Replace(body, "Treasury", "Tre\u0301asury", 1),
	} {
		if sent == body {
			t.Fatalf("%s changes nothing", name)
		}
		got := pythonSDK.send(t, s, alice, "POST", "/keys/import", sent, s.consent(t, alice, "POST", "/keys/import", body))
		if got.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
}
