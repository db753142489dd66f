//go:build cgo

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newServerConfig configures a server whose tokens nobody needs to open.
func newServerConfig(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text := "deployment: test\ndatabase: server.db\ntokenKeyFile: token.pem\npkcs11: {module: none.so}\nsigners:\n"
	for i := range 3 {
		text += fmt.Sprintf("  - {label: signer-%d, pinFile: pin-%d, store: signer-%d.db}\n", i, i, i)
	}
	path := filepath.Join(dir, "keyferry.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// runAdmin runs an admin command and returns the id that it prints.
func runAdmin(t *testing.T, config string, args ...string) string {
	t.Helper()
	got := keyferry(append(append([]string{"admin"}, args...), "--config", config, "--json")...)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(got.stdout), &made); got.status != done || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	return made.ID
}

func TestTrustExportWritesWhatTheDatabaseSays(t *testing.T) {
	config, c := newServerConfig(t), newCeremony(t)
	org := runAdmin(t, config, "organisation", "create", "--name", "One")
	runAdmin(t, config, "organisation", "activate", "--org", org, "--reference", "addendum 7")
	account := runAdmin(t, config, "account", "create", "--org", org, "--name", "robot")
	credential := runAdmin(t, config, "credential", "add", "--account", account, "--public-key", c.root+".pub")

	first := c.path("first")
	if got := keyferry("signer", "trust", "export", "--config", config, "--org", org, "--out", first); got.status != done {
		t.Fatal(got)
	}
	shown := keyferry("signer", "trust", "show", first)
	for _, want := range []string{org, account, credential, "addendum 7", "localhost"} {
		if !strings.Contains(shown.stdout, want) {
			t.Errorf("%q is missing in %s", want, shown.stdout)
		}
	}
	signed := c.path("signed")
	if got := keyferry("signer", "trust", "sign", "--root", c.root, "--document", first, "--out", signed); got.status != done {
		t.Fatal(got)
	}
	if got := c.install(signed); got.status != done {
		t.Fatal(got)
	}

	runAdmin(t, config, "credential", "revoke", "--org", org, "--credential", credential)
	second := c.path("second")
	if got := keyferry("signer", "trust", "export", "--config", config, "--org", org, "--previous", signed, "--out", second); got.status != done {
		t.Fatal(got)
	}
	got := keyferry("signer", "trust", "diff", signed, second)
	if got.status != done || !strings.Contains(got.stdout, "serial: 2, was 1") || !strings.Contains(got.stdout, "revocation of credential "+credential+": added") {
		t.Error(got)
	}
}

func TestTrustExportRefuses(t *testing.T) {
	config := newServerConfig(t)
	for name, c := range map[string]struct {
		args   []string
		status int
	}{
		"no server":               {[]string{"--org", "or-one"}, notUnderstood},
		"no organisation":         {[]string{"--config", config}, notUnderstood},
		"an unknown organisation": {[]string{"--config", config, "--org", "or-one"}, notDone},
		"a missing previous":      {[]string{"--config", config, "--org", "or-one", "--previous", config + "x"}, notDone},
	} {
		if got := keyferry(append([]string{"signer", "trust", "export"}, c.args...)...); got.status != c.status || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
