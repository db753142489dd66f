package useraction

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"keyferry/server/challenge"
)

// tokenKey returns a key that is the same in every run.
func tokenKey(t testing.TB, scalar byte) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), scalar))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newIdentifiers returns those of such a key.
func newIdentifiers(t testing.TB, key byte, deployment string) *Identifiers {
	t.Helper()
	i, err := NewIdentifiers(tokenKey(t, key), deployment)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func identify(t testing.TB, i *Identifiers, in challenge.Input, payload string) string {
	t.Helper()
	text, err := i.Identify(in, payload)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Every process of a deployment reads what another made.
func TestIdentifierSaysWhatItsChallengeIsAbout(t *testing.T) {
	in := fuzzedInput()
	for _, payload := range []string{"", request.Payload, "\x00\xff\ud7ff<>&", strings.Repeat(`"`, 100_000)} {
		text := identify(t, newIdentifiers(t, 7, "test"), in, payload)
		gotInput, gotPayload, err := newIdentifiers(t, 7, "test").open(text)
		if err != nil || gotInput != in || gotPayload != payload {
			t.Errorf("%.20q came back as %+v, %.20q, %v", payload, gotInput, gotPayload, err)
		}
		if most := len(payload)*16/9 + 1000; len(text) > most {
			t.Errorf("%d bytes for a payload of %d", len(text), len(payload))
		}
	}
}

// documented was made from docs/protocol.md with Python's hmac, hashlib, json and base64, of
// the private scalar 7, deployment "test", fuzzedInput and request.Payload.
const documented = `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpbnB1dCI6eyJsYWJlbCI6ImtleWZlcnJ5IHVzZXIgYWN0aW9uIHYxIiwiZGVwbG95bWVudCI` +
	`6InRlc3QiLCJvcmdhbmlzYXRpb24iOiJvci0xIiwidXNlciI6InVzLTEiLCJub25jZSI6IjAxMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA` +
	`wMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAiLCJpc3N1ZWRBdCI6MTc5MzUzNDQwMDAwMCwiZXhwaXJlc0F0IjoxNzkzNTM0NDAxMDA` +
	`wLCJtZXRob2QiOiJQT1NUIiwicGF0aCI6Ii9rZXlzL2tleS0xL2V4cG9ydCIsInBheWxvYWRIYXNoIjoiOTEwMTQ0MDVkMjc1ZDc1ZDhjOThiMjE` +
	`yYjZhZjg2ODQzZjBhZTg1NDMyODljMzUzNTMyYjQ3MDc4OTkxMDk2MyJ9LCJwYXlsb2FkIjoiZXlKbGJtTnllWEIwYVc5dVMyVjVJam9pZUNKOSJ` +
	`9.3mMHARxiPw33qVnOSFJXOhid5bG8bMbPam1hCOWyO0Y`

// What a process of one version makes, one of another reads.
func TestIdentifierIsTheDocumentedOne(t *testing.T) {
	if got := identify(t, newIdentifiers(t, 7, "test"), fuzzedInput(), request.Payload); got != documented {
		t.Errorf("got %s", got)
	}
}

func TestIdentifiersNeedAKeyAndADeployment(t *testing.T) {
	if _, err := NewIdentifiers(nil, "test"); err == nil {
		t.Error("took no key")
	}
	if _, err := NewIdentifiers(tokenKey(t, 7), ""); err == nil {
		t.Error("took no deployment")
	}
}

func TestIdentifierOfAnothersMakingIsRefused(t *testing.T) {
	ours, in := newIdentifiers(t, 7, "test"), fuzzedInput()
	honest := identify(t, ours, in, request.Payload)
	later := in
	later.ExpiresAt += 1000
	parts := strings.Split(honest, ".")
	others := strings.Split(identify(t, ours, later, request.Payload), ".")
	with := func(method jwt.SigningMethod, key any) string {
		text, err := jwt.NewWithClaims(method, offered{Input: in}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, text := range map[string]string{
		"nothing":                           "",
		"an id of before":                   "ch-00000-00000-0000000000000000",
		"another key's":                     identify(t, newIdentifiers(t, 8, "test"), in, request.Payload),
		"another deployment's":              identify(t, newIdentifiers(t, 7, "other"), in, request.Payload),
		"another challenge under its MAC":   parts[0] + "." + others[1] + "." + parts[2],
		"no MAC":                            parts[0] + "." + parts[1] + ".",
		"a shorter MAC":                     honest[:len(honest)-4],
		"a padded MAC":                      honest + "=",
		"a blank behind it":                 honest + " ",
		"a line break behind it":            honest + "\n",
		"a line break in the MAC":           honest[:len(honest)-5] + "\r\n" + honest[len(honest)-5:],
		"one more part":                     honest + ".",
		"algorithm none":                    with(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"another hash":                      with(jwt.SigningMethodHS512, ours.key),
		"an empty key":                      with(jwt.SigningMethodHS256, []byte{}),
		"as an access token is signed":      with(jwt.SigningMethodES256, tokenKey(t, 7)),
		"a MAC over the parts in base64std": base64.StdEncoding.EncodeToString([]byte(honest)),
	} {
		if got, _, err := ours.open(text); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, _, err := ours.open(honest); err != nil {
		t.Errorf("the honest one: %v", err)
	}
}

// Whoever has a token can send any text for an identifier. Reading these would take many
// times their length, and some of them would be quoted in the error.
func TestWhatWasNotMadeHereIsNotRead(t *testing.T) {
	ours := newIdentifiers(t, 7, "test")
	segment := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		"a header of lists": segment([]byte(`{"alg":"HS256","a":[`+strings.Repeat("[],", 10_000)+`0]}`)) + "." + segment([]byte("{}")) + ".AA",
		"a quoted date":     segment([]byte(`{"alg":"HS256"}`)) + "." + segment([]byte(`{"exp":"`+strings.Repeat("secret", 10_000)+`"}`)) + ".AA",
		"a quoted number":   segment([]byte(`{"alg":"HS256"}`)) + "." + segment([]byte(`{"input":{"issuedAt":`+strings.Repeat("1", 10_000)+`}}`)) + ".AA",
	} {
		if _, _, err := ours.open(text); err == nil || len(err.Error()) > 100 {
			t.Errorf("%s: %.200v", name, err)
		}
		if n := testing.AllocsPerRun(1, func() { ours.open(text) }); n > 100 {
			t.Errorf("%s took %v allocations", name, n)
		}
	}
}

// What is read was made here, in this very spelling.
func FuzzIdentifier(f *testing.F) {
	ours, in := newIdentifiers(f, 7, "test"), fuzzedInput()
	honest := identify(f, ours, in, request.Payload)
	for _, seed := range []string{honest, honest + "=", honest + ".", honest + "\n", strings.ToUpper(honest), identify(f, newIdentifiers(f, 8, "test"), in, ""), "", "..", "a.b.c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, payload, err := ours.open(text)
		if err == nil && identify(t, ours, in, payload) != text {
			t.Fatalf("%q is read as %+v, %q", text, in, payload)
		}
	})
}
