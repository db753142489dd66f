// Package trusttest is what tests of a signer's trust share: the contract of
// [trust.Serials] for each implementation, and one that lives in memory.
package trusttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
)

// Serials implements [trust.Serials] in memory. The zero value is ready.
type Serials struct {
	mu      sync.Mutex
	highest map[identity.OrgID]record
}

type record struct {
	serial uint64
	hash   [sha256.Size]byte
}

var _ trust.Serials = (*Serials)(nil)

// Advance implements [trust.Serials].
func (s *Serials) Advance(_ context.Context, org identity.OrgID, serial uint64, hash [sha256.Size]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.highest[org]
	if serial < was.serial || serial == was.serial && hash != was.hash {
		return fmt.Errorf("%w: serial %d after %d", trust.ErrRollback, serial, was.serial)
	}
	if s.highest == nil {
		s.highest = make(map[identity.OrgID]record)
	}
	s.highest[org] = record{serial, hash}
	return nil
}

// TestSerials runs the contract on an implementation; open returns an empty one.
func TestSerials(t *testing.T, open func(t *testing.T) trust.Serials) {
	for name, test := range map[string]func(*testing.T, trust.Serials){
		"grow and never shrink":                        growAndNeverShrink,
		"repeat with the same hash only":               repeatWithTheSameHashOnly,
		"know organisations apart":                     knowOrganisationsApart,
		"take the greatest that JSON can carry":        takeTheGreatest,
		"let one of two that race with one serial win": letOneWin,
		"end at the highest after a race":              endAtTheHighest,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

const (
	one   = identity.OrgID("or-one")
	other = identity.OrgID("or-other")
)

func hashOf(n int) [sha256.Size]byte { return sha256.Sum256(fmt.Append(nil, n)) }

func advances(t *testing.T, s trust.Serials, org identity.OrgID, serial uint64, hash [sha256.Size]byte) {
	t.Helper()
	if err := s.Advance(context.Background(), org, serial, hash); err != nil {
		t.Errorf("%s, serial %d: %v", org, serial, err)
	}
}

func refuses(t *testing.T, s trust.Serials, org identity.OrgID, serial uint64, hash [sha256.Size]byte) {
	t.Helper()
	if err := s.Advance(context.Background(), org, serial, hash); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("%s, serial %d: got %v, want a refusal", org, serial, err)
	}
}

func growAndNeverShrink(t *testing.T, s trust.Serials) {
	advances(t, s, one, 3, hashOf(3))
	refuses(t, s, one, 2, hashOf(2))
	advances(t, s, one, 9, hashOf(9))
	refuses(t, s, one, 3, hashOf(3))
	refuses(t, s, one, 8, hashOf(9))
}

func repeatWithTheSameHashOnly(t *testing.T, s trust.Serials) {
	advances(t, s, one, 3, hashOf(3))
	advances(t, s, one, 3, hashOf(3))
	refuses(t, s, one, 3, hashOf(4))
	advances(t, s, one, 3, hashOf(3))
}

func knowOrganisationsApart(t *testing.T, s trust.Serials) {
	advances(t, s, one, 7, hashOf(7))
	advances(t, s, other, 1, hashOf(1))
	refuses(t, s, one, 1, hashOf(1))
	advances(t, s, other, 2, hashOf(7))
}

func takeTheGreatest(t *testing.T, s trust.Serials) {
	advances(t, s, one, 1<<53-1, hashOf(1))
	refuses(t, s, one, 1<<53-2, hashOf(1))
}

func letOneWin(t *testing.T, s trust.Serials) {
	const racers = 8
	errs := race(racers, func(i int) error { return s.Advance(context.Background(), one, 5, hashOf(i)) })
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, trust.ErrRollback) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d documents with one serial were accepted", won)
	}
}

func endAtTheHighest(t *testing.T, s trust.Serials) {
	const racers = 8
	for _, err := range race(racers, func(i int) error { return s.Advance(context.Background(), one, uint64(i+1), hashOf(i)) }) {
		if err != nil && !errors.Is(err, trust.ErrRollback) {
			t.Error(err)
		}
	}
	refuses(t, s, one, racers-1, hashOf(racers-2))
	advances(t, s, one, racers, hashOf(racers-1))
}

// race runs f for 0 to n-1 at once and returns their errors.
func race(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() { errs[i] = f(i) })
	}
	done.Wait()
	return errs
}
