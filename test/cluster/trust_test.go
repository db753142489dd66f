//go:build cgo

package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	serial = regexp.MustCompile(`"serial": *"?1"?`)
	active = regexp.MustCompile(`("export": *\{\s*"active": *)true`)
)

// A document that stops exports is in force at signers that run, whatever the server
// says; and so is the one that allows them again.
func TestSignersTakeUpTrustWithoutARestart(t *testing.T) {
	c := start(t)
	document := filepath.Join(c.dir, "offline", "document.json")
	before := c.Processes()
	edit(t, document, func(text string) string {
		return serial.ReplaceAllString(active.ReplaceAllString(text, "${1}false"), `"serial": 2`)
	})
	stopped := c.installTrust(t, document)
	c.exportBecomes(t, http.StatusForbidden, 0)
	edit(t, document, func(text string) string {
		text = strings.Replace(text, `"serial": 2`, `"serial": 3`, 1)
		return regexp.MustCompile(`("export": *\{\s*"active": *)false`).ReplaceAllString(text, "${1}true")
	})
	c.installTrust(t, document)
	c.exportBecomes(t, http.StatusOK, 5)
	for n := range 5 {
		refused(t, "not newer than what was installed", c.installation(n, stopped)...)
	}
	if status, count := c.export(t); status != http.StatusOK || count != 5 {
		t.Errorf("after an older document: %d, %d shares", status, count)
	}
	if after := c.Processes(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the processes %v are not %v any more", before, after)
	}
}

// A credential that the root revoked signs for nothing any more, though the server's
// database has it as before. The operator sees it in words, and it cannot be undone.
func TestARevokedCredentialIsGoodForNothingWhateverTheServerKnows(t *testing.T) {
	c := start(t)
	c.exportBecomes(t, http.StatusOK, 5)
	document := filepath.Join(c.dir, "offline", "document.json")
	text, err := os.ReadFile(document)
	must(t, err)
	var revoking map[string]any
	must(t, json.Unmarshal(text, &revoking))
	credential := revoking["credentials"].([]any)[0].(map[string]any)["id"]
	revoking["serial"], revoking["credentials"] = 2, []any{}
	revoking["revocations"] = []any{map[string]any{"credential": credential, "at": revoking["issuedAt"], "reason": "lost"}}
	next := c.write(t, "revoking.json", revoking)

	if told := run(t, "signer", "trust", "diff", document, next); !strings.Contains(told, fmt.Sprintf("revocation of credential %v: added: for ever", credential)) {
		t.Errorf("the operator is told\n%s", told)
	}
	c.installTrust(t, next)
	c.exportBecomes(t, http.StatusForbidden, 0)

	var forgetting map[string]any
	must(t, json.Unmarshal(text, &forgetting))
	forgetting["serial"] = 3
	signed := c.signTrust(t, c.write(t, "forgetting.json", forgetting))
	refused(t, "forgets a revocation", c.installation(0, signed)...)
	c.exportBecomes(t, http.StatusForbidden, 0)
}

func (c *cluster) write(t *testing.T, name string, document any) string {
	t.Helper()
	text, err := json.Marshal(document)
	must(t, err)
	path := filepath.Join(c.dir, "offline", name)
	must(t, os.WriteFile(path, text, 0o600))
	return path
}

// installTrust has the root sign a document and every signer's operator install it. It
// returns the signed file.
func (c *cluster) installTrust(t *testing.T, document string) string {
	t.Helper()
	signed := c.signTrust(t, document)
	for n := range 5 {
		run(t, c.installation(n, signed)...)
	}
	return signed
}

func (c *cluster) signTrust(t *testing.T, document string) (signed string) {
	t.Helper()
	signed = filepath.Join(t.TempDir(), "signed")
	run(t, "signer", "trust", "sign", "--root", filepath.Join(c.dir, "offline", "root"), "--document", document, "--out", signed)
	return signed
}

// installation is the command of a signer's operator.
func (c *cluster) installation(n int, signed string) []string {
	return []string{
		"signer", "trust", "install", "--trust-dir", c.at(n, "trust"), "--root", filepath.Join(c.dir, "offline", "root.pub"),
		"--deployment", c.Manifest.Deployment, signed,
	}
}
