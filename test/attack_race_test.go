//go:build cgo

package test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"keyferry/server/audit"
)

// runners is how many requests race.
const runners = 16

// race sends many requests at once of which one may succeed, and no more.
func (s *stage) race(t *testing.T) {
	body, path := s.honest(t), exportPath(s.spare)
	order, answer := text(t, s.deal(t)), s.alice.completes(t, s.alice.challenge(t, "POST", path, body))
	nonce := newNonce("2026-11-01T12:00:00.000Z")
	for _, contest := range []struct {
		name    string
		request message
		status  int
		reason  string // of the losers
	}{
		{"one action for many exports", s.alice.signed(t, path, body), 400, "action.replayed"},
		{"one action for many imports", s.alice.signed(t, "/keys/import", order), 400, "action.replayed"},
		{"one challenge with many answers", complete(t, answer).by(s.alice), 400, "challenge.invalid"},
		{"one nonce for many requests", get("/keys").by(s.alice).with("X-Dfns-Nonce: " + nonce), 400, "nonce.used"},
	} {
		t.Run(contest.name, func(t *testing.T) {
			before := s.record.length(t)
			won := s.rush(t, repeated(contest.request), contest.status)
			if won != 1 {
				t.Errorf("%d of %d succeeded", won, runners)
			}
			s.checkLosers(t, before, contest.reason)
		})
	}
	t.Run("an export by two paths with one action", s.raceOfPaths)
	t.Run("one import by two organisations", s.raceOfOrganisations)
}

func repeated(m message) []message {
	var all []message
	for range runners {
		all = append(all, m)
	}
	return all
}

// rush sends all messages at once and returns how many were answered with 200. The
// others must have one of the statuses.
func (s *stage) rush(t *testing.T, messages []message, statuses ...int) (won int) {
	t.Helper()
	answers, errs := make([]answer, len(messages)), make([]error, len(messages))
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i, m := range messages {
		wait.Go(func() {
			<-start
			answers[i], errs[i] = s.send(m, time.Minute)
		})
	}
	close(start)
	wait.Wait()
	for i, got := range answers {
		switch {
		case errs[i] != nil:
			t.Error(errs[i])
		case got.status == http.StatusOK:
			won++
		case !slices.Contains(statuses, got.status):
			t.Errorf("status %d, not %v: %s", got.status, statuses, got.body)
		}
	}
	return won
}

// checkLosers checks that each loser was recorded with the reason, and none more.
func (s *stage) checkLosers(t *testing.T, before int64, reason string) {
	t.Helper()
	losers := 0
	for _, entry := range s.record.since(t, before) {
		if entry.Kind != audit.RequestRefused {
			continue
		}
		losers++
		if string(entry.Reason) != reason {
			t.Errorf("recorded as %s, not %s", entry.Reason, reason)
		}
	}
	if losers != runners-1 {
		t.Errorf("%d refusals are recorded, not %d", losers, runners-1)
	}
}

// An action is good for the path that was signed only, whoever is first.
func (s *stage) raceOfPaths(t *testing.T) {
	body := s.honest(t)
	action := s.alice.action(t, "POST", exportPath(s.spare), body)
	signed := post(exportPath(s.spare), body).by(s.alice).carrying(action)
	other := post(walletPath(s.spare), body).by(s.alice).carrying(action)
	// The others are about another request, or too late as well.
	if won := s.rush(t, append(repeated(other), signed), 403, 400); won != 1 {
		t.Errorf("%d succeeded", won)
	}
}

// Two organisations bring the same envelopes. Each signer keeps to the first that it
// sees, so that at most one of them gets the key.
func (s *stage) raceOfOrganisations(t *testing.T) {
	order := text(t, s.deal(t))
	both := []message{s.alice.signed(t, "/keys/import", order), s.bob.signed(t, "/keys/import", order)}
	if won := s.rush(t, both, 400); won > 1 {
		t.Errorf("%d have the key", won)
	}
}
