package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ceremony is one organisation's root and the signers' side of it.
type ceremony struct {
	dir, root, trustDir string
}

func newCeremony(t *testing.T) ceremony {
	t.Helper()
	dir := t.TempDir()
	c := ceremony{dir: dir, root: filepath.Join(dir, "root"), trustDir: t.TempDir()}
	if got := keyferry("signer", "trust", "new-root", "--out", c.root); got.status != done {
		t.Fatal(got)
	}
	return c
}

func (c ceremony) path(name string) string { return filepath.Join(c.dir, name) }

// draft writes a document with the serial; edit changes its text.
func (c ceremony) draft(t *testing.T, name, serial string, edit ...string) string {
	t.Helper()
	got := keyferry("signer", "trust", "template", "--deployment", "test", "--org", "or-one")
	if got.status != done {
		t.Fatal(got)
	}
	text := strings.Replace(got.stdout, `"serial": 1`, `"serial": `+serial, 1)
	text = strings.NewReplacer(edit...).Replace(text)
	if err := os.WriteFile(c.path(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return c.path(name)
}

func (c ceremony) signed(t *testing.T, name, serial string, edit ...string) string {
	t.Helper()
	out := c.path(name + ".signed")
	got := keyferry("signer", "trust", "sign", "--root", c.root, "--document", c.draft(t, name, serial, edit...), "--out", out)
	if got.status != done {
		t.Fatal(got)
	}
	return out
}

func (c ceremony) install(file string, more ...string) outcome {
	return keyferry(append([]string{"signer", "trust", "install", "--trust-dir", c.trustDir, "--root", c.root + ".pub", "--deployment", "test", file}, more...)...)
}

func TestTrustCeremonyEndsWithAnInstalledDocument(t *testing.T) {
	c := newCeremony(t)
	first := c.signed(t, "first", "1")
	if got := c.install(first); got.status != done || !strings.Contains(got.stdout, "installed serial 1 of organisation or-one") {
		t.Fatal(got)
	}
	if got := c.install(first); got.status != done || !strings.Contains(got.stdout, "was installed already") {
		t.Error(got)
	}
	second := c.signed(t, "second", "2", `"minSigners": 3`, `"minSigners": 2`)
	if got := keyferry("signer", "trust", "diff", first, second); got.status != done || got.stdout != "serial: 2, was 1\nlowest minSigners: 2, was 3\n" {
		t.Error(got)
	}
	if got := c.install(second); got.status != done || !strings.Contains(got.stdout, "lowest minSigners: 2, was 3") {
		t.Error(got)
	}
	if got := keyferry("signer", "trust", "show", "--trust-dir", c.trustDir); got.status != done || !strings.Contains(got.stdout, "or-one") {
		t.Error(got)
	}
	if got := c.install(first); got.status != notDone || !strings.Contains(got.stderr, "not newer") {
		t.Errorf("an older one: %+v", got)
	}
	if got := keyferry("signer", "trust", "diff", second, first); got.status != notDone || !strings.Contains(got.stdout, "serial: 1, was 2") {
		t.Errorf("the way back: %+v", got)
	}
}

func TestNewRootNeverOverwritesAndLeavesBothFilesOrNone(t *testing.T) {
	c := newCeremony(t)
	before, err := os.ReadFile(c.root)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.root); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got := keyferry("signer", "trust", "new-root", "--out", c.root); got.status != notDone {
		t.Error(got)
	}
	if after, err := os.ReadFile(c.root); err != nil || string(after) != string(before) {
		t.Error("the root key was overwritten")
	}
	if err := os.Remove(c.root); err != nil {
		t.Fatal(err)
	}
	if got := keyferry("signer", "trust", "new-root", "--out", c.root); got.status != notDone || !strings.Contains(got.stderr, "public key") {
		t.Errorf("wrote beside another root's public key: %+v", got)
	}
	if _, err := os.Stat(c.root); !os.IsNotExist(err) {
		t.Errorf("left half: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	c := newCeremony(t)
	good := c.draft(t, "good", "1")
	exists := c.signed(t, "exists", "1")
	for name, args := range map[string][]string{
		"a public key":        {"--root", c.root + ".pub", "--document", good, "--out", c.path("a")},
		"a missing key":       {"--root", c.path("x"), "--document", good, "--out", c.path("a")},
		"a typo in a member":  {"--root", c.root, "--document", c.draft(t, "typo", "1", `"minSigners": 3`, `"minSigners": 3, "minSinger": 4`), "--out", c.path("a")},
		"a signed document":   {"--root", c.root, "--document", exists, "--out", c.path("a")},
		"another version":     {"--root", c.root, "--document", c.draft(t, "v2", "1", `"version": 1`, `"version": 2`), "--out", c.path("a")},
		"a file that is here": {"--root", c.root, "--document", good, "--out", exists},
	} {
		if got := keyferry(append([]string{"signer", "trust", "sign"}, args...)...); got.status != notDone || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := os.Stat(c.path("a")); !os.IsNotExist(err) {
			t.Errorf("%s: left a file: %v", name, err)
		}
	}
}

func TestTrustInstallRefuses(t *testing.T) {
	c, other := newCeremony(t), newCeremony(t)
	good := c.signed(t, "good", "1")
	for name, got := range map[string]outcome{
		"an unsigned document":  c.install(c.draft(t, "draft", "1")),
		"another root's":        c.install(other.signed(t, "other", "1")),
		"another deployment's":  c.install(good, "--deployment", "elsewhere"),
		"a missing directory":   c.install(good, "--trust-dir", c.path("missing")),
		"a private key as root": c.install(good, "--root", c.root),
		"a missing file":        c.install(c.path("missing")),
	} {
		if got.status != notDone || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if entries, err := os.ReadDir(c.trustDir); err != nil || len(entries) != 0 {
		t.Errorf("something was left: %v, %v", entries, err)
	}
}

func TestTrustShowChecksTheSignatureIfAsked(t *testing.T) {
	c, other := newCeremony(t), newCeremony(t)
	signed := c.signed(t, "good", "1")
	if got := keyferry("signer", "trust", "show", signed); got.status != done || !strings.Contains(got.stdout, "not checked") {
		t.Error(got)
	}
	if got := keyferry("signer", "trust", "show", signed, "--root", c.root+".pub"); got.status != done || !strings.Contains(got.stdout, "valid, of root") {
		t.Error(got)
	}
	if got := keyferry("signer", "trust", "show", signed, "--root", other.root+".pub"); got.status != notDone || got.stdout != "" {
		t.Error(got)
	}
	for _, args := range [][]string{nil, {signed, "--trust-dir", c.trustDir}, {"--trust-dir", c.trustDir, "--root", c.root}} {
		if got := keyferry(append([]string{"signer", "trust", "show"}, args...)...); got.status != notUnderstood {
			t.Errorf("%q: %+v", args, got)
		}
	}
}
