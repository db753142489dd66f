//go:build cgo

package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"keyferry/shares/manifest"
	"keyferry/shares/recovery"
)

// atSigner runs a command of the first signer's operator.
func (c *cluster) atSigner(t *testing.T, arguments ...string) (output string) {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	command := exec.Command(program, append(arguments, "--config", c.at(0, "signer.yaml"))...)
	command.Env = append(os.Environ(), "SOFTHSM2_CONF="+c.at(0, "tokens/softhsm2.conf"))
	text, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("keyferry %v: %v\n%s", arguments, err, text)
	}
	return string(text)
}

func (c *cluster) manifestFile() string { return filepath.Join(c.dir, "state", "cluster.json") }

// rotate makes the first signer's next identity key, and returns the manifest with it.
func (c *cluster) rotate(t *testing.T) (file string, parsed manifest.Manifest) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "next.json")
	if said := c.atSigner(t, "signer", "identity", "rotate", "--out", file); !strings.Contains(said, "made") {
		t.Errorf("the key was there: %s", said)
	}
	// Whoever loses the file repeats it.
	again := c.atSigner(t, "signer", "identity", "rotate", "--out", file+".again")
	if !strings.Contains(again, "was there") || !strings.Contains(again, "keyferry identity v2") {
		t.Errorf("made twice: %s", again)
	}
	text, err := os.ReadFile(file)
	must(t, err)
	parsed, err = manifest.Parse(text)
	must(t, err)
	return file, parsed
}

var listens = regexp.MustCompile(`listen: (\S+)`)

// shows returns the key that the first signer shows to who connects, SubjectPublicKeyInfo.
func (c *cluster) shows(t *testing.T) (spki []byte) {
	t.Helper()
	text, err := os.ReadFile(c.at(0, "signer.yaml"))
	must(t, err)
	connection, err := tls.Dial("tcp", listens.FindStringSubmatch(string(text))[1], &tls.Config{
		InsecureSkipVerify: true, // whose it is, is what is asked
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			certificate, err := x509.ParseCertificate(raw[0])
			if err == nil {
				spki = certificate.RawSubjectPublicKeyInfo
			}
			return err
		},
	})
	if err == nil {
		connection.Close()
	}
	return spki
}

// serverAndClientsTake gives the manifest to all but the signer, who runs on.
func (c *cluster) serverAndClientsTake(t *testing.T, file string, m manifest.Manifest) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(c.manifestFile(), text, 0o600))
	for n := 1; n < 5; n++ {
		must(t, c.KillSigner(n))
		must(t, c.StartSigner(context.Background(), n))
	}
	must(t, c.KillServer())
	must(t, c.StartServer(context.Background()))
	c.pin(t, m)
}

func (c *cluster) pin(t *testing.T, m manifest.Manifest) {
	t.Helper()
	c.Manifest = m
	next, err := c.Client()
	must(t, err)
	t.Cleanup(next.Close)
	c.client = next
}

// A signer's identity key is replaced while exports and imports go on, and without any
// change of pins: the first key's is good for all that it links.
func TestIdentityKeyIsReplacedWhileTheClusterWorks(t *testing.T) {
	c := start(t)
	old := c.Manifest
	before := c.shows(t)
	c.exportBecomes(t, http.StatusOK, 5)

	file, next := c.rotate(t)
	run(t, "signer", "manifest", "check", "--pinned", c.manifestFile(), file)
	c.exportBecomes(t, http.StatusOK, 5)

	c.serverAndClientsTake(t, file, next)
	c.exportBecomes(t, http.StatusOK, 5)
	if !bytes.Equal(c.shows(t), before) {
		t.Error("the signer has another key before it was started with its manifest")
	}

	must(t, c.KillSigner(0))
	must(t, c.StartSigner(context.Background(), 0))
	c.exportBecomes(t, http.StatusOK, 5)
	c.importKey(t)
	c.exportBecomes(t, http.StatusOK, 5)
	member, _ := next.Member(manifest.IDOf(before))
	if !bytes.Equal(c.shows(t), member.Identity()) || bytes.Equal(member.Identity(), before) {
		t.Error("the signer does not show the key of its manifest")
	}

	c.pin(t, old)
	c.oldPinHolds(t)
}

// oldPinHolds has a client import and export that pins the manifest of before. It seals to
// the same import keys, and takes all shares: the list of signers links the new key.
func (c *cluster) oldPinHolds(t *testing.T) {
	t.Helper()
	c.importKey(t)
	to, err := recovery.New()
	must(t, err)
	defer to.Destroy()
	response, err := c.client.Export(t.Context(), c.key, to)
	must(t, err)
	recovered, err := to.Recover(response, recovery.Options{Pin: c.client.Pin(c.key)})
	must(t, err)
	defer recovered.Destroy()
	if len(recovered.Bad) > 0 {
		t.Errorf("bad shares: %v", recovered.Bad)
	}
}

// A signer that is started first is missed, and nothing else: its server does not know the
// key that it shows.
func TestServerThatHasNotHeardOfAnIdentityKeyDoesWithoutItsSigner(t *testing.T) {
	c := start(t)
	file, next := c.rotate(t)
	c.restartWith(t, 0, func(text string) string {
		return regexp.MustCompile(`manifest: .*`).ReplaceAllLiteralString(text, `manifest: "`+file+`"`)
	})
	c.exportBecomes(t, http.StatusOK, 4)
	c.serverAndClientsTake(t, file, next)
	c.exportBecomes(t, http.StatusOK, 5)
}
