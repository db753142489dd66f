//go:build cgo

package test

import (
	"net/http"
	"testing"
	"time"
)

// attack is a request and what must come of it.
//
// A table's rows with status 200 are the legitimate variants of the rows around them:
// they show that those are refused for what they attack, and not because the table
// builds bad requests.
type attack struct {
	name    string
	request message
	status  int
	reason  string // of the audit record
}

// What the record has where no request was refused.
const (
	unrecorded = ""            // the request is about nothing: no such path or method
	unparsed   = "not HTTP"    // refused by net/http itself, in plain text
	legitimate = "not refused" // the row with status 200
)

// attackGroup is the attacks on one thing.
type attackGroup struct {
	name string
	rows func(*testing.T, *stage) []attack
}

func attackGroups() []attackGroup {
	return []attackGroup{
		{"authentication", authenticationAttacks},
		{"action binding", bindingAttacks},
		{"challenges", challengeAttacks},
		{"assertions", assertionAttacks},
		{"security keys", fido2Attacks},
		{"password-protected keys", passwordAttacks},
		{"JSON", jsonAttacks},
		{"HTTP framing", framingAttacks},
		{"encodings", encodingAttacks},
		{"curve points", pointAttacks},
		{"imported shares", importAttacks},
		{"sizes", sizeAttacks},
		{"paths", pathAttacks},
		{"methods", methodAttacks},
		{"nonces", nonceAttacks},
		{"tenants", tenantAttacks},
	}
}

// leastAttacks is how many requests must at least have been refused.
const leastAttacks = 150

// One server takes all attacks, and is afterwards as it was before.
func TestAttacksAreRefusedAndRecordedAndLeaveTheServerHealthy(t *testing.T) {
	s := newStage(t)
	var refused []attack
	all := true // but for those that the command line leaves out
	for _, group := range attackGroups() {
		ran := false
		t.Run(group.name, func(t *testing.T) {
			ran = true
			refused = append(refused, s.runGroup(t, group)...)
		})
		all = all && ran
	}
	if all && len(refused) < leastAttacks {
		t.Errorf("%d attacks, not %d", len(refused), leastAttacks)
	}
	t.Run("races", s.race)
	t.Run("slowness", s.beSlow)
	t.Run("memory is flat", func(t *testing.T) { s.repeat(t, refused) })
	t.Run("nothing came of it", s.checkHarmless)
	t.Run("the server is healthy", s.checkHealthy)
	t.Run("no goroutine is left behind", s.checkGoroutines)
}

// runGroup runs a group's rows one after the other and returns its attacks.
func (s *stage) runGroup(t *testing.T, group attackGroup) []attack {
	var refused []attack
	rows := group.rows(t, s)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { s.check(t, row) })
		if row.status != http.StatusOK {
			refused = append(refused, row)
		}
	}
	if len(refused) == len(rows) {
		t.Error("no row shows what is not an attack")
	}
	return refused
}

// named is a text that a row puts into its request.
type named struct{ name, text string }

// each makes a row of each text: all are refused alike.
func each(texts []named, status int, reason string, put func(text string) message) []attack {
	var rows []attack
	for _, one := range texts {
		rows = append(rows, attack{one.name, put(one.text), status, reason})
	}
	return rows
}

// check sends a row's request and compares answer and record with what is expected.
func (s *stage) check(t *testing.T, row attack) {
	t.Helper()
	before := s.record.length(t)
	got, err := s.send(row.request, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got.status != row.status {
		t.Errorf("status %d, not %d: %s", got.status, row.status, got.body)
	}
	id := ""
	if row.reason != unparsed {
		id = got.checkObject(t, row.request.method())
	}
	s.record.check(t, before, row.reason, id)
}
