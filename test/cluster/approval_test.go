//go:build cgo

package cluster

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/signer/trust"
)

// person is a user of the sample organisation at a machine of his own.
type person struct {
	dir        string
	credential string
	settings   []string
}

// administer runs a command of the server's operator and returns a member of its result.
func (c *cluster) administer(t *testing.T, member string, arguments ...string) string {
	t.Helper()
	arguments = append([]string{"admin", "--config", c.configuration(), "--json"}, arguments...)
	var output, told bytes.Buffer
	command := exec.Command(os.Args[0], arguments...)
	command.Stdout, command.Stderr = &output, &told
	if err := command.Run(); err != nil {
		t.Fatalf("keyferry %v: %v\n%s", arguments, err, told.String())
	}
	var list []map[string]any
	if json.Unmarshal(output.Bytes(), &list) != nil {
		list = make([]map[string]any, 1)
		must(t, json.Unmarshal(output.Bytes(), &list[0]))
	}
	text, _ := list[0][member].(string)
	return text
}

func (c *cluster) configuration() string { return filepath.Join(c.dir, "state", "keyferry.yaml") }

// hire makes an account that may export, with a key of its own.
func (c *cluster) hire(t *testing.T, name string) person {
	t.Helper()
	p := person{dir: t.TempDir()}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	must(t, err)
	must(t, os.WriteFile(p.at("public.pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	der, err = x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	must(t, os.WriteFile(p.at("private.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	org := c.organisation(t)
	account := c.administer(t, "id", "account", "create", "--org", org, "--name", name)
	c.administer(t, "", "permission", "grant", "--account", account, "--permission", "Keys:Export", "--permission", "Keys:Read")
	p.credential = c.administer(t, "id", "credential", "add", "--account", account, "--public-key", p.at("public.pem"))
	p.settings = []string{
		"DFNS_API_URL=" + c.URL(), "DFNS_ORG_ID=" + org, "DFNS_CRED_ID=" + p.credential, "DFNS_PRIVATE_KEY_FILE=" + p.at("private.pem"),
		"DFNS_AUTH_TOKEN=" + c.administer(t, "token", "token", "issue", "--account", account, "--lifetime", "1h"),
	}
	return p
}

func (p person) at(name string) string { return filepath.Join(p.dir, name) }

// keyferry runs a command of this person, who types something, and returns all that it
// prints.
func (p person) keyferry(typed string, arguments ...string) (string, error) {
	command := exec.Command(os.Args[0], arguments...)
	command.Env, command.Stdin = append(os.Environ(), p.settings...), strings.NewReader(typed)
	output, err := command.CombinedOutput()
	return string(output), err
}

func (p person) does(t *testing.T, want, typed string, arguments ...string) {
	t.Helper()
	if output, err := p.keyferry(typed, arguments...); err != nil || !strings.Contains(output, want) {
		t.Fatalf("keyferry %v: %v, wanted %q\n%s", arguments, err, want, output)
	}
}

func (p person) fails(t *testing.T, want, typed string, arguments ...string) {
	t.Helper()
	if output, err := p.keyferry(typed, arguments...); err == nil || !strings.Contains(output, want) {
		t.Fatalf("keyferry %v: %v, wanted %q\n%s", arguments, err, want, output)
	}
}

// demandApproval has the root sign that exports need one approval, by this person.
func (c *cluster) demandApproval(t *testing.T, by person) {
	t.Helper()
	draft := filepath.Join(c.dir, "offline", "approval.json")
	run(t, "signer", "trust", "export", "--config", c.configuration(), "--org", c.organisation(t),
		"--previous", filepath.Join(c.dir, "offline", "document.json"), "--out", draft)
	text, err := os.ReadFile(draft)
	must(t, err)
	document, err := trust.Parse(text)
	must(t, err)
	document.Export.Approvals = 1
	at := slices.IndexFunc(document.Credentials, func(known trust.Credential) bool { return string(known.ID) == by.credential })
	document.Credentials[at].Approves = true
	changed, err := document.Marshal()
	must(t, err)
	must(t, os.WriteFile(draft, changed, 0o600))
	c.installTrust(t, draft)
}

// The whole of it with the program itself: an export is refused, another user approves
// it, and then it gives the key, once.
func TestExportWaitsForTheApprovalOfAnotherUser(t *testing.T) {
	c := start(t)
	alice, bob := c.hire(t, "alice"), c.hire(t, "bob")
	c.demandApproval(t, bob)
	alice.does(t, "encryption key, sha256 ", "", "context", "new", "--out", alice.at("context"), "--request", alice.at("request.json"))
	export := []string{"export", c.key, "--context", alice.at("context"), "--out", alice.at("key.hex")}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		output, err := alice.keyferry("", export...)
		if err != nil && strings.Contains(output, "have this very request approved (keyferry approve)") {
			break
		}
		if err == nil || time.Now().After(deadline) {
			t.Fatalf("without approval: %v\n%s", err, output)
		}
	}
	if key, err := c.client.Key(t.Context(), c.key); err != nil || key.Exported {
		t.Errorf("nothing was released, and the key counts as exported: %v", err)
	}

	approve := []string{"approve", c.key, "--request", alice.at("request.json")}
	alice.does(t, "approved until", "", append(approve, "--yes")...)
	alice.fails(t, "keyferry approve", "", export...)
	bob.fails(t, "nothing was signed", "no\n", approve...)
	bob.fails(t, "nothing was signed", "", append(approve, "--yes", "--encryption-key-hash", strings.Repeat("0", 64))...)
	alice.fails(t, "keyferry approve", "", export...)
	bob.does(t, "approved until", "yes\n", approve...)
	alice.does(t, "is recovered", "", export...)

	secret, err := os.ReadFile(alice.at("key.hex"))
	must(t, err)
	const digits = 64
	if len(bytes.TrimSpace(secret)) != digits {
		t.Errorf("the key has %d digits", len(bytes.TrimSpace(secret)))
	}
	must(t, os.Remove(alice.at("key.hex")))
	alice.fails(t, "keyferry approve", "", export...)
	bob.does(t, "approved until", "yes\n", approve...)
	alice.does(t, "is recovered", "", export...)
}
