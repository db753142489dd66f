//go:build cgo

package torture

import (
	"context"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/client"
	"keyferry/server/identity"
)

// story is what the record tells.
type story struct {
	entries   []audit.Entry
	begun     map[string]string         // exports and their keys
	ended     map[string]audit.Outcome  // exports and how they ended
	imported  map[string]bool           // keys
	released  map[string]int            // keys, and how many exports of them were released
	activated map[string]bool           // operators' references
	allowed   map[identity.OrgID]string // organisations that may export, and the last reference
}

func newStory(entries []audit.Entry) story {
	return story{
		entries, map[string]string{}, map[string]audit.Outcome{}, map[string]bool{}, map[string]int{},
		map[string]bool{}, map[identity.OrgID]string{},
	}
}

// read takes the record, in which no user action may have been used twice.
func read(t *testing.T, entries []audit.Entry) story {
	t.Helper()
	s := newStory(entries)
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
			s.end(t, e)
		case audit.ImportFinished:
			s.imported[e.Key] = true
		case audit.ExportActivated:
			s.activated[e.Details["reference"]] = true
			s.allowed[e.Org] = e.Details["reference"]
		case audit.ExportDeactivated:
			delete(s.allowed, e.Org)
		}
	}
	return s
}

// end takes an export's end, of which there is one.
func (s story) end(t *testing.T, e audit.Entry) {
	t.Helper()
	if _, again := s.ended[e.Export]; again {
		t.Errorf("export %s ended twice", e.Export)
	}
	if e.Kind == audit.ExportInterrupted && e.Outcome == audit.Void {
		t.Errorf("export %s was interrupted, and counts as one that released nothing", e.Export)
	}
	s.ended[e.Export] = e.Outcome
	if e.Outcome == audit.Released {
		s.released[e.Key]++
	}
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

// check compares the record with the keys that there are, with what clients were told,
// and with what is left in the databases of a server that has just started.
func (s story) check(t *testing.T, p *process, told *told) {
	t.Helper()
	c := p.client(t)
	defer c.Close()
	keys := s.checkKeys(t, c, told)
	s.checkTold(t, told)
	checkDatabases(t, p, keys, s.allowed)
}

// checkTold looks for what was told to clients and operators besides keys and exports.
func (s story) checkTold(t *testing.T, told *told) {
	t.Helper()
	for index, entry := range told.receipts {
		if index >= int64(len(s.entries)) {
			t.Errorf("a client has a receipt of entry %d, and the record has %d entries", index, len(s.entries))
			continue
		}
		recorded, err := s.entries[index].Canonical()
		must(t, err)
		if string(recorded) != entry {
			t.Errorf("a client has a receipt of another entry %d: %s", index, entry)
		}
	}
	for reference := range told.activated {
		if !s.activated[reference] {
			t.Errorf("the activation %q was acknowledged, and is not recorded", reference)
		}
	}
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
