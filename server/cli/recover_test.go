package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/keyformat"
	"keyferry/shares/locked"
)

const recoveredHex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// outcome is what a command line came to.
type outcome struct {
	status         int
	stdout, stderr string
}

func keyferry(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(""))
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	status := report(&stderr, root.Execute())
	return outcome{status, stdout.String(), stderr.String()}
}

// offline is one export with the machine that has the context and the one that asked.
type offline struct {
	context, response, publicKey string
}

func newOffline(t *testing.T, scheme shares.Scheme) offline {
	t.Helper()
	o := offline{context: filepath.Join(t.TempDir(), "context"), response: filepath.Join(t.TempDir(), "response.json")}
	made := keyferry("context", "new", "--out", o.context)
	if made.status != done {
		t.Fatal(made)
	}
	var request struct{ EncryptionKey string }
	if err := json.Unmarshal([]byte(made.stdout), &request); err != nil {
		t.Fatal(err)
	}
	secret := lockedHex(t, recoveredHex)
	public, err := scheme.Curve().MulBase(secret)
	if err != nil {
		t.Fatal(err)
	}
	o.publicKey = public.Hex()
	o.write(t, answer(t, scheme, request.EncryptionKey, secret, public))
	return o
}

func (o offline) write(t *testing.T, response map[string]any) {
	t.Helper()
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.response, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (o offline) recover(more ...string) outcome {
	return keyferry(append([]string{"recover", "--context", o.context, "--response", o.response}, more...)...)
}

// answer is what five signers answer, three of whom give the key.
func answer(t *testing.T, scheme shares.Scheme, encryptionKey string, secret *locked.Buffer, public shares.Point) map[string]any {
	t.Helper()
	key, err := envelope.ParseEncryptionKey(encryptionKey)
	if err != nil {
		t.Fatal(err)
	}
	dealing, err := shares.Split(scheme.Curve(), secret, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	var sealed []map[string]string
	for i, share := range dealing.Shares {
		plaintext, err := shares.EncodeExport(share.Curve, share.Index, share.Secret)
		if err != nil {
			t.Fatal(err)
		}
		defer plaintext.Destroy()
		text, err := key.Seal(plaintext)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, map[string]string{
			"signerId":          base64.StdEncoding.EncodeToString([]byte{byte(i)}),
			"encryptedKeyShare": base64.StdEncoding.EncodeToString(text),
		})
	}
	return map[string]any{
		"publicKey": public.Hex(), "protocol": scheme.Protocol(), "curve": scheme.Curve().Name(),
		"minSigners": 3, "encryptedKeyShares": sealed,
	}
}

func lockedHex(t *testing.T, digits string) *locked.Buffer {
	t.Helper()
	b, err := locked.New(len(digits) / 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Destroy)
	if _, err := hex.Decode(b.Bytes(), []byte(digits)); err != nil {
		t.Fatal(err)
	}
	return b
}

func secp256k1Scheme() shares.Scheme { return shares.Schemes()[0] }

func TestRecoverGivesTheKeyOfEveryScheme(t *testing.T) {
	for _, scheme := range shares.Schemes() {
		o := newOffline(t, scheme)
		got := o.recover("--public-key", o.publicKey)
		if got.status != done || got.stdout != recoveredHex+"\n" {
			t.Errorf("%s: %+v", scheme, got)
		}
		if strings.Contains(got.stderr, recoveredHex) || !strings.Contains(got.stderr, o.publicKey) {
			t.Errorf("%s: told %s", scheme, got.stderr)
		}
		if explained := strings.Contains(got.stderr, keyformat.Ed25519Explanation); explained != (scheme.Curve() == shares.Ed25519) {
			t.Errorf("%s: told %s", scheme, got.stderr)
		}
	}
}

func TestContextIsForItsOwnerAndNeverOverwritten(t *testing.T) {
	o := newOffline(t, secp256k1Scheme())
	info, err := os.Stat(o.context)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if again := keyferry("context", "new", "--out", o.context); again.status != notDone || again.stdout != "" {
		t.Errorf("a second context in its place: %+v", again)
	}
	if got := o.recover("--public-key", o.publicKey); got.status != done {
		t.Errorf("the first context is lost: %+v", got)
	}
}

func TestContextAndRequestAreMadeTogetherOrNotAtAll(t *testing.T) {
	directory := t.TempDir()
	context, request := filepath.Join(directory, "context"), filepath.Join(directory, "request")
	if err := os.WriteFile(request, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := keyferry("context", "new", "--out", context, "--request", request); got.status != notDone {
		t.Errorf("overwrote the request: %+v", got)
	}
	if _, err := os.Lstat(context); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left a context without its request: %v", err)
	}
	if err := os.Remove(request); err != nil {
		t.Fatal(err)
	}
	if got := keyferry("context", "new", "--out", context, "--request", request); got.status != done || got.stdout != "" {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(request)
	if err != nil || !json.Valid(text) || !strings.Contains(string(text), `"encryptionKey"`) {
		t.Errorf("the request is %s, %v", text, err)
	}
}

func TestRecoverNeedsToKnowWhoseKeyItIs(t *testing.T) {
	o := newOffline(t, secp256k1Scheme())
	other := newOffline(t, shares.Schemes()[2])
	if got := o.recover(); got.status != notUnderstood || got.stdout != "" {
		t.Errorf("without a pin: %+v", got)
	}
	if got := o.recover("--trust-response-key", "--public-key", o.publicKey); got.status != notUnderstood {
		t.Errorf("pin and trust: %+v", got)
	}
	if got := o.recover("--public-key", "02zz"); got.status != notUnderstood {
		t.Errorf("a pin that is no key: %+v", got)
	}
	if got := o.recover("--trust-response-key"); got.status != done || !strings.Contains(got.stderr, "Compare") {
		t.Errorf("trusting: %+v", got)
	}
	foreign := "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for _, pin := range []string{foreign, other.publicKey} {
		if got := o.recover("--public-key", pin); got.status != notDone || got.stdout != "" {
			t.Errorf("another key's pin: %+v", got)
		}
	}
}

func TestRecoverNamesABadShareAndGoesOn(t *testing.T) {
	o := newOffline(t, secp256k1Scheme())
	text, err := os.ReadFile(o.response)
	if err != nil {
		t.Fatal(err)
	}
	var response map[string]any
	if err := json.Unmarshal(text, &response); err != nil {
		t.Fatal(err)
	}
	sealed := response["encryptedKeyShares"].([]any)
	second, third := sealed[1].(map[string]any), sealed[2].(map[string]any)
	second["encryptedKeyShare"] = base64.StdEncoding.EncodeToString(make([]byte, 281))
	o.write(t, response)
	got := o.recover("--public-key", o.publicKey)
	if got.status != done || got.stdout != recoveredHex+"\n" || !strings.Contains(got.stderr, `share 2 of signer "AQ=="`) {
		t.Errorf("%+v", got)
	}
	if strict := o.recover("--public-key", o.publicKey, "--strict"); strict.status != notDone || strict.stdout != "" {
		t.Errorf("strict: %+v", strict)
	}
	third["encryptedKeyShare"], sealed[3].(map[string]any)["encryptedKeyShare"] = second["encryptedKeyShare"], second["encryptedKeyShare"]
	o.write(t, response)
	out := filepath.Join(t.TempDir(), "key")
	if got := o.recover("--public-key", o.publicKey, "--out", out); got.status != notDone || !strings.Contains(got.stderr, "share 4") {
		t.Errorf("three bad shares: %+v", got)
	}
	if _, err := os.Lstat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left a file without a key: %v", err)
	}
}

func TestRecoverWritesAFileForItsOwnerAndNeverOverwrites(t *testing.T) {
	o := newOffline(t, secp256k1Scheme())
	out := filepath.Join(t.TempDir(), "key.pem")
	if got := o.recover("--public-key", o.publicKey, "--format", "pem", "--out", out); got.status != done || got.stdout != "" {
		t.Fatal(got)
	}
	info, err := os.Stat(out)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if text, err := os.ReadFile(out); err != nil || !strings.HasPrefix(string(text), "-----BEGIN PRIVATE KEY-----") {
		t.Errorf("%s, %v", text, err)
	}
	if got := o.recover("--public-key", o.publicKey, "--out", out); got.status != notDone || !strings.Contains(got.stderr, "exists") {
		t.Errorf("wrote over it: %+v", got)
	}
}

func TestRecoverEncryptsUnderThePasswordOfAFile(t *testing.T) {
	o := newOffline(t, secp256k1Scheme())
	password := filepath.Join(t.TempDir(), "password")
	for text, status := range map[string]int{"correct horse\n": done, "": notDone, "\n": notDone, "two\nlines\n": notDone, strings.Repeat("x", 1025): notDone} {
		if err := os.WriteFile(password, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := o.recover("--public-key", o.publicKey, "--format", "ethereum-keystore", "--password-file", password)
		if got.status != status || json.Valid([]byte(got.stdout)) != (status == done) {
			t.Errorf("password %.10q: %+v", text, got)
		}
	}
	if got := o.recover("--public-key", o.publicKey, "--format", "ethereum-keystore"); got.status != notUnderstood {
		t.Errorf("no password and no terminal: %+v", got)
	}
	if got := o.recover("--public-key", o.publicKey, "--format", "hex", "--password-file", password); got.status != notUnderstood {
		t.Errorf("a password that protects nothing: %+v", got)
	}
}

func TestRecoverExplainsWhatAFormatCannotCarry(t *testing.T) {
	o := newOffline(t, shares.Schemes()[2])
	got := o.recover("--public-key", o.publicKey, "--format", "pem")
	if got.status != notDone || got.stdout != "" || !strings.Contains(got.stderr, keyformat.Ed25519Explanation) {
		t.Errorf("%+v", got)
	}
	if got := o.recover("--public-key", o.publicKey, "--format", "expanded-hex"); got.status != done || len(got.stdout) != 129 {
		t.Errorf("%+v", got)
	}
	if got := o.recover("--public-key", o.publicKey, "--format", "seed"); got.status != notUnderstood || !strings.Contains(got.stderr, "expanded-hex") {
		t.Errorf("%+v", got)
	}
}

func TestRecoverRefusesDamagedFiles(t *testing.T) {
	o := newOffline(t, secp256k1Scheme())
	other := newOffline(t, secp256k1Scheme())
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]offline{
		"a context that is empty":        {context: empty, response: o.response},
		"a context that is a response":   {context: o.response, response: o.response},
		"a context that is missing":      {context: empty + "x", response: o.response},
		"another export's context":       {context: other.context, response: o.response},
		"a response that is empty":       {context: o.context, response: empty},
		"a response that is a context":   {context: o.context, response: o.context},
		"a response that is missing":     {context: o.context, response: empty + "x"},
		"a response that is a directory": {context: o.context, response: t.TempDir()},
	} {
		if got := bad.recover("--public-key", o.publicKey); got.status != notDone || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
