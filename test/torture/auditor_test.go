//go:build cgo

package torture

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"keyferry/server/audit"
)

// auditor keeps what an auditor keeps from one visit to the next.
type auditor struct {
	where  []string // the flags that say which deployment it is
	apart  bool     // its signers' logs are not the server's to export
	keys   string
	visits int
	kept   string
}

func newAuditor(t *testing.T, dir string) *auditor { return newAuditorOf(t, "--dir", dir) }

func newAuditorOf(t *testing.T, where ...string) *auditor {
	t.Helper()
	keys, err := command(t, append([]string{"audit", "keys"}, where...)...).Output()
	must(t, err)
	a := &auditor{where: where, keys: filepath.Join(t.TempDir(), "keys")}
	must(t, os.WriteFile(a.keys, keys, 0o600))
	return a
}

// visit exports and verifies all logs with the product's own commands: they continue
// what they were, and the signers tell the same story. It returns the server's entries.
func (a *auditor) visit(t *testing.T) []audit.Entry {
	t.Helper()
	a.visits++
	at := filepath.Join(filepath.Dir(a.keys), fmt.Sprint("visit-", a.visits))
	must(t, os.Mkdir(at, 0o700))
	archive, checkpoint, signers := filepath.Join(at, "server.log"), filepath.Join(at, "checkpoint"), filepath.Join(at, "signers")
	export := append([]string{"audit", "export", "--out", archive}, a.where...)
	verify := []string{"audit", "verify", archive, "--audit-key", a.keys, "--keep", checkpoint}
	if !a.apart {
		export, verify = append(export, "--signers", signers), append(verify, "--signers", signers)
	}
	run(t, export...)
	if a.kept != "" {
		verify = append(verify, "--kept", a.kept)
	}
	run(t, verify...)
	a.kept = checkpoint
	return readArchive(t, archive)
}

func run(t *testing.T, arguments ...string) {
	t.Helper()
	if output, err := command(t, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("keyferry %v: %v\n%s", arguments, err, output)
	}
}

func readArchive(t *testing.T, path string) []audit.Entry {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	var entries []audit.Entry
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct{ Entry *audit.Entry }
		must(t, json.Unmarshal(lines.Bytes(), &line))
		if line.Entry != nil {
			entries = append(entries, *line.Entry)
		}
	}
	return entries
}
