package api

import (
	"testing"
	"time"
)

func TestStrangersCannotFillTheRecord(t *testing.T) {
	s := newStrangers()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	recorded := 0
	for range 10_000 {
		if due, omitted := s.take(now); due {
			recorded++
			if omitted > 0 {
				t.Fatalf("%d were left out before any had to be", omitted)
			}
		}
	}
	if recorded != strangersBurst {
		t.Errorf("%d of 10,000 were recorded", recorded)
	}
	if due, omitted := s.take(now.Add(2 * time.Second)); !due || omitted != 10_000-strangersBurst {
		t.Errorf("later: recorded %v, standing for %d more", due, omitted)
	}
}
