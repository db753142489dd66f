//go:build cgo

package torture

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/client"
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

// story is what the record tells.
type story struct {
	begun    map[string]string        // exports and their keys
	ended    map[string]audit.Outcome // exports and how they ended
	imported map[string]bool          // keys
	released map[string]int           // keys, and how many exports of them were released
}

// read takes the record, in which no user action may have been used twice.
func read(t *testing.T, entries []audit.Entry) story {
	t.Helper()
	s := story{map[string]string{}, map[string]audit.Outcome{}, map[string]bool{}, map[string]int{}}
	used := map[string]bool{}
	for _, e := range entries {
		switch e.Kind {
		case audit.ExportBegun, audit.ImportBegun:
			if used[e.Action] {
				t.Errorf("user action %s was used twice", e.Action)
			}
			used[e.Action] = true
			if e.Kind == audit.ExportBegun {
				s.begun[e.Export] = e.Key
			}
		case audit.ExportFinished, audit.ExportInterrupted:
			if _, again := s.ended[e.Export]; again {
				t.Errorf("export %s ended twice", e.Export)
			}
			s.ended[e.Export] = e.Outcome
			if e.Outcome == audit.Released {
				s.released[e.Key]++
			}
		case audit.ImportFinished:
			s.imported[e.Key] = true
		}
	}
	return s
}

// countsAsExported tells whether the record has an export of the key that may have
// released something.
func (s story) countsAsExported(key string) bool {
	for export, of := range s.begun {
		if of == key && s.ended[export] != audit.Void {
			return true
		}
	}
	return false
}

// check compares the record with the keys that there are and with what clients were
// told.
func (s story) check(t *testing.T, p *process, told *told) {
	t.Helper()
	c := p.client(t)
	defer c.Close()
	s.checkKeys(t, c, told)
}

// checkKeys does so with any client, and returns the keys.
func (s story) checkKeys(t *testing.T, c *client.Client, told *told) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for _, key := range s.checkMarks(t, c) {
		keys[key.ID] = true
		if !s.imported[key.ID] {
			t.Errorf("key %s is there, and its import is not recorded", key.ID)
		}
	}
	for key := range s.imported {
		if !keys[key] {
			t.Errorf("key %s was imported, and is gone", key)
		}
	}
	for key := range told.imported {
		if !keys[key] {
			t.Errorf("key %s was acknowledged, and is gone", key)
		}
	}
	for key, times := range told.exported {
		if s.released[key] < times {
			t.Errorf("%d exports of %s were answered, and %d are recorded as released", times, key, s.released[key])
		}
	}
	return keys
}

// checkMarks compares what owners are told of exports with the record. What was exported
// is a private key: whoever imports it again has a key that counts as exported. It
// returns the keys.
func (s story) checkMarks(t *testing.T, c *client.Client) []client.Key {
	t.Helper()
	var keys []client.Key
	exported := map[string]bool{} // public keys
	for key, err := range c.Keys(context.Background()) {
		must(t, err)
		keys = append(keys, key)
		if s.countsAsExported(key.ID) {
			exported[key.PublicKey] = true
		}
	}
	for _, key := range keys {
		if key.Exported != exported[key.PublicKey] {
			t.Errorf("key %s: exported is %v, and the record says otherwise", key.ID, key.Exported)
		}
	}
	return keys
}
