//go:build cgo

package cluster

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// auditor has what the operators of a server and its five signers hand out.
type auditor struct {
	*cluster
	dir string
}

// server is the API server's configuration.
func (a *auditor) server() string { return filepath.Join(a.cluster.dir, "state", "keyferry.yaml") }

// keyferry runs the program and returns what it prints on standard output, or its error.
func (a *auditor) keyferry(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	command := exec.Command(program, arguments...)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("keyferry %v: %w: %s", arguments, err, &complaint)
	}
	return string(output), err
}

// collect asks every operator, while everything runs, the server's first.
func (a *auditor) collect(t *testing.T, name string) (log, signers string) {
	t.Helper()
	log, signers = filepath.Join(a.dir, name+".log"), filepath.Join(a.dir, name)
	_, err := a.keyferry(t, "audit", "export", "--config", a.server(), "--out", log)
	must(t, err)
	must(t, os.Mkdir(signers, 0o700))
	for n := range 5 {
		out := filepath.Join(signers, fmt.Sprintf("%d.log", n))
		_, err := a.keyferry(t, "signer", "audit", "export", "--config", a.at(n, "signer.yaml"), "--out", out)
		must(t, err)
	}
	return log, signers
}

// keys returns the flags with the public keys of all six logs.
func (a *auditor) keys(t *testing.T) []string {
	t.Helper()
	key, err := a.keyferry(t, "audit", "keys", "--config", a.server())
	must(t, err)
	flags := []string{"--audit-key", strings.TrimSpace(key)}
	for n := range 5 {
		key, err := a.keyferry(t, "signer", "audit", "keys", "--config", a.at(n, "signer.yaml"))
		must(t, err)
		flags = append(flags, "--audit-key", strings.TrimSpace(key))
	}
	return flags
}

func (a *auditor) verify(t *testing.T, log, signers string, keys []string) (string, error) {
	t.Helper()
	return a.keyferry(t, append([]string{"audit", "verify", log, "--signers", signers}, keys...)...)
}

// Each signer's log is signed with a key of its own, and tells of every export what the
// server's log does.
func TestLogsOfSignersElsewhereAreVerifiedAndComparedWithTheServers(t *testing.T) {
	a := &auditor{cluster: start(t), dir: t.TempDir()}
	a.exportBecomes(t, http.StatusOK, 5)
	keys := a.keys(t)
	log, signers := a.collect(t, "first")
	found, err := a.verify(t, log, signers, keys)
	if err != nil || !strings.Contains(found, "signers compared") {
		t.Fatalf("%s, %v", found, err)
	}
	if _, err := a.verify(t, log, signers, keys[:4]); err == nil || !strings.Contains(err.Error(), "no --audit-key is of this log") {
		t.Errorf("signers' logs are taken without their keys: %v", err)
	}

	a.exportBecomes(t, http.StatusOK, 5)
	later, _ := a.collect(t, "later")
	if _, err := a.verify(t, later, signers, keys); err == nil || !strings.Contains(err.Error(), "the signer has no record of it") {
		t.Errorf("an export that the signers' logs lack is not found: %v", err)
	}
}

// A signer's operator reads its log where no server is.
func TestSignersLogIsReadAtTheSigner(t *testing.T) {
	a := &auditor{cluster: start(t), dir: t.TempDir()}
	a.exportBecomes(t, http.StatusOK, 5)
	config := a.at(0, "signer.yaml")
	list, err := a.keyferry(t, "signer", "audit", "list", "--config", config, "--kind", "share.released", "--key", a.key, "--json")
	if err != nil || strings.Count(list, `"kind":"share.released"`) != 1 {
		t.Errorf("%s, %v", list, err)
	}
	entry, err := a.keyferry(t, "signer", "audit", "show", "--config", config, "--index", "0", "--receipt")
	if err != nil || !strings.Contains(entry, "c2sp.org/tlog-proof@v1") {
		t.Errorf("%s, %v", entry, err)
	}
}
