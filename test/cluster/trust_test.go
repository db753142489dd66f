//go:build cgo

package cluster

import (
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
	c.installTrust(t, document)
	c.exportBecomes(t, http.StatusForbidden, 0)
	edit(t, document, func(text string) string {
		text = strings.Replace(text, `"serial": 2`, `"serial": 3`, 1)
		return regexp.MustCompile(`("export": *\{\s*"active": *)false`).ReplaceAllString(text, "${1}true")
	})
	c.installTrust(t, document)
	c.exportBecomes(t, http.StatusOK, 5)
	if after := c.Processes(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the processes %v are not %v any more", before, after)
	}
}

// installTrust has the root sign a document and every signer's operator install it.
func (c *cluster) installTrust(t *testing.T, document string) {
	t.Helper()
	root, signed := filepath.Join(c.dir, "offline", "root"), document+".signed"
	must(t, os.RemoveAll(signed))
	run(t, "signer", "trust", "sign", "--root", root, "--document", document, "--out", signed)
	for n := range 5 {
		run(t, "signer", "trust", "install", "--trust-dir", c.at(n, "trust"), "--root", root+".pub",
			"--deployment", c.Manifest.Deployment, signed)
	}
}
