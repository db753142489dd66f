//go:build cgo

package torture

import (
	"context"
	"os"
	"strconv"
	"testing"
)

// rounds is how often a test kills.
func rounds(t *testing.T, short int) int {
	t.Helper()
	text := os.Getenv(howOften)
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
		auditor := newAuditor(t, dir)
		for range rounds(t, 20) {
			told.busy(t, p, p.kill)
			p = start(t, dir)
			read(t, auditor.visit(t)).check(t, p, told)
			if t.Failed() {
				return
			}
		}
		everyKeyIsWhole(t, p, told)
		t.Logf("%d imports and %d exports were answered, %d requests were cut off", len(told.imported), told.exported[p.env["KEYFERRY_KEY_ID"]], told.refused)
		if len(told.imported) == 0 || len(told.exported) == 0 || told.refused == 0 {
			t.Error("nothing was under way")
		}
	})
}

// everyKeyIsWhole takes every key out.
func everyKeyIsWhole(t *testing.T, p *process, told *told) {
	t.Helper()
	c := p.client(t)
	defer c.Close()
	for key, err := range c.Keys(context.Background()) {
		must(t, err)
		if err := told.export(context.Background(), c, key.ID); err != nil {
			t.Errorf("key %s is not whole: %v", key.ID, err)
		}
	}
}
