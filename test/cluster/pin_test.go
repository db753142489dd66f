//go:build cgo

package cluster

import (
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	serverPins = regexp.MustCompile(`servers: \[(.*)\]`)
	signerPin  = regexp.MustCompile(`(publicKey: )(\S+)(\})`)
)

// nobody is the pin of a key that nobody has.
var nobody = strings.Repeat("A", 43) + "="

// Signers answer servers whose pin they have, and nobody else: one that is not on the
// lists of three of five gets no key. Where all five refuse it, it is certain that
// nothing left them, and the key does not count as exported.
func TestServerThatSignersDoNotPinGetsNothing(t *testing.T) {
	c := start(t)
	var own, pin string
	for n := range 5 {
		c.restartWith(t, n, func(text string) string {
			found := serverPins.FindStringSubmatch(text)
			own, pin = found[0], found[1]
			return serverPins.ReplaceAllLiteralString(text, "servers: ["+nobody+"]")
		})
	}
	c.exportBecomes(t, http.StatusServiceUnavailable, 0)
	c.countsAsExported(t, false)
	c.logSays(t, "state/server.log", "the signer refuses this server's certificate", "servers` must have this server's pin")
	c.logSays(t, "signer-1/signer.log", "the server's is "+pin, "add its pin (keyferry signer server-pin) to servers")
	for n := range 2 {
		c.restartWith(t, n, func(text string) string { return serverPins.ReplaceAllLiteralString(text, own) })
	}
	c.exportBecomes(t, http.StatusServiceUnavailable, 0)
	c.countsAsExported(t, true)
	c.restartWith(t, 2, func(text string) string { return serverPins.ReplaceAllLiteralString(text, own) })
	c.exportBecomes(t, http.StatusOK, 3)
}

// A server that pins another key than the signer's does without that signer.
func TestSignerThatTheServerDoesNotPinIsDoneWithout(t *testing.T) {
	c := start(t)
	swap := func(text string) string { // whose the first two keys are
		at := signerPin.FindAllStringSubmatchIndex(text, 2)
		first, second := text[at[0][4]:at[0][5]], text[at[1][4]:at[1][5]]
		return text[:at[0][4]] + second + text[at[0][5]:at[1][4]] + first + text[at[1][5]:]
	}
	c.restartServerWith(t, swap)
	c.exportBecomes(t, http.StatusOK, 3)
	c.logSays(t, "state/server.log", "the signer's is "+c.SignerID(0).String(), "compare publicKey in this server's configuration")
	c.restartServerWith(t, swap)
	c.exportBecomes(t, http.StatusOK, 5)
}

// restartServerWith starts the API server again with a change of its configuration.
func (c *cluster) restartServerWith(t *testing.T, change func(string) string) {
	t.Helper()
	must(t, c.KillServer())
	edit(t, filepath.Join(c.dir, "state", "keyferry.yaml"), change)
	must(t, c.StartServer(context.Background()))
	c.connect(t)
}
