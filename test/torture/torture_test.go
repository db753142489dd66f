//go:build cgo

package torture

import (
	"context"
	"strconv"
	"testing"

	"keyferry/test/asprogram"
)

// rounds is how often a test kills.
func rounds(t *testing.T, short int) int {
	t.Helper()
	text := asprogram.Torture()
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KEYFERRY_TORTURE: %q is no number of rounds", text)
	}
	return n
}

func TestKilledServerLosesNothingAndHidesNothing(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, dir string) {
		told := newTold()
		p := start(t, dir)
		p.addOrganisation(t)
		auditor := newAuditor(t, dir)
		for range rounds(t, 10) {
			actions := told.busy(t, p, p.kill)
			p = p.again(t)
			presentAgain(t, p, actions)
			read(t, auditor.visit(t)).check(t, p, told)
			if t.Failed() {
				return
			}
		}
		finishRotation(t, devSigners, p.atSigners)
		everyKeyIsWhole(t, p)
		t.Logf("%d imports, %d exports and %d activations were answered, %d requests were cut off, %d rotations came to their end",
			len(told.imported), told.exported[p.env["KEYFERRY_KEY_ID"]], len(told.activated), told.refused, told.rotations)
		if len(told.imported) == 0 || len(told.exported) == 0 || len(told.activated) == 0 || told.rotations == 0 || told.refused == 0 {
			t.Error("nothing was under way")
		}
	})
}

// everyKeyIsWhole takes every key out, with the shares of all signers and a receipt.
func everyKeyIsWhole(t *testing.T, p *process) {
	t.Helper()
	c := p.client(t)
	defer c.Close()
	for key, err := range c.Keys(context.Background()) {
		must(t, err)
		response, err := exportKey(context.Background(), c, key.ID)
		if err != nil || len(response.Shares) != devSigners || response.AuditReceipt == nil {
			t.Errorf("key %s is not whole: %d shares and the receipt %s came: %v", key.ID, len(response.Shares), response.AuditReceipt, err)
		}
	}
}
