package trust_test

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"fmt"
	"strings"
	"testing"

	"keyferry/server/signer/trust"
	"keyferry/shares/locked"
)

// knownPrivate is the key of RFC 8410 §10.3, whose public half is knownKey.
const knownPrivate = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"

func inLocked(t *testing.T, text string) *locked.Buffer {
	t.Helper()
	b, err := locked.NewWithCapacity(len(text), len(text)+1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Destroy)
	copy(b.Bytes(), text)
	return b
}

func TestRootKeyIsThatOfRFC8410(t *testing.T) {
	k, err := trust.ParseRootKey(inLocked(t, knownPrivate))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Destroy()
	public, err := k.Public().PEM()
	if err != nil || string(public) != knownKey {
		t.Errorf("%s, %v", public, err)
	}
	again, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	defer again.Destroy()
	if !bytes.Equal(again.Bytes(), []byte(knownPrivate)) {
		t.Error("it is written in another form")
	}
}

func TestNewRootKeySurvivesItsFile(t *testing.T) {
	k := newRootKey(t)
	text, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	defer text.Destroy()
	again, err := trust.ParseRootKey(text)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Destroy()
	if again.Public() != k.Public() || k.Public() == newRootKey(t).Public() {
		t.Error("the key is not the one that was written, or not a new one")
	}
	d := document(t)
	if _, err := trust.Verify(sign(t, d, again).File(), k.Public()); err != nil {
		t.Error(err)
	}
}

func TestParseRootKeyRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"a public key":          knownKey,
		"a short text":          knownPrivate[1:],
		"a long text":           knownPrivate + "\n",
		"another label":         strings.ReplaceAll(knownPrivate, "PRIVATE", "PUBLIC "),
		"another algorithm":     strings.Replace(knownPrivate, "K2Vw", "K2Vu", 1),
		"a letter outside":      strings.Replace(knownPrivate, "INTu", "IN*u", 1),
		"a line end in the key": strings.Replace(knownPrivate, "INTu", "IN\nu", 1),
	} {
		if k, err := trust.ParseRootKey(inLocked(t, text)); !errors.Is(err, trust.ErrRootKey) {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
}

func TestRootKeyPrintsWithoutItsSecret(t *testing.T) {
	k := newRootKey(t)
	for _, format := range []string{"%v", "%+v", "%s", "%#v", "%x"} {
		if text := fmt.Sprintf(format, k); strings.Contains(text, "PRIVATE") || len(text) > 400 {
			t.Errorf("%s: %s", format, text)
		}
	}
}

func TestParseRootRefuses(t *testing.T) {
	public, err := newRootKey(t).Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.ParseRoot(public); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "a private key": knownPrivate, "two keys": string(public) + string(public),
		"another algorithm": newECDSA(t, elliptic.P256()), "garbage": strings.Replace(string(public), "MCow", "AAAA", 1),
	} {
		if root, err := trust.ParseRoot([]byte(text)); err == nil || !root.IsZero() {
			t.Errorf("%s was accepted", name)
		}
	}
}
