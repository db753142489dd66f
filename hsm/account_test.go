//go:build cgo

package hsm_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// accounts are how operations ended, by name: as an observer was told.
type accounts struct {
	mu    sync.Mutex
	ended map[string][]hsm.Outcome
}

func (a *accounts) Operation(_, name string, outcome hsm.Outcome, _ time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended[name] = append(a.ended[name], outcome)
}
func (*accounts) Reconnected(string)                      {}
func (*accounts) BreakerChanged(string, hsm.BreakerState) {}

// check compares them with what callers saw.
func (a *accounts) check(t *testing.T, seen *accounts) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := map[hsm.Outcome]int{}
	for name, outcomes := range seen.ended {
		counts[outcomes[0]]++
		if told := a.ended[name]; len(told) != 1 || told[0] != outcomes[0] {
			t.Errorf("%s: observers were told %v, the caller %v", name, told, outcomes)
		}
	}
	t.Logf("%v", counts)
	for _, outcome := range []hsm.Outcome{hsm.OutcomeOK, hsm.OutcomeHung, hsm.OutcomeGone, hsm.OutcomeLeft} {
		if counts[outcome] == 0 {
			t.Errorf("no operation ended with %q", outcome)
		}
	}
}

// Calls return when their time is up, or when their callers leave, a little sooner or
// later; some fail, and logins are replaced meanwhile.
func TestAccountsAreExactInWhateverOrderThingsEnd(t *testing.T) {
	const limit, callers, turns = 60 * time.Millisecond, 6, 45
	before := runtime.NumGoroutine()
	cfg := hsmtest.Blank(t)
	cfg.Sessions = 3
	token := hsmtest.Open(t, cfg)
	told, seen := &accounts{ended: map[string][]hsm.Outcome{}}, &accounts{ended: map[string][]hsm.Outcome{}}
	hsm.SetLimit(token, limit)
	hsm.SetObserver(token, told)
	hsm.KeepAsking(token)
	about := func(d time.Duration) time.Duration { return d + time.Duration(rand.N(600)-300)*time.Microsecond }
	work := func() error {
		switch rand.N(8) {
		case 0, 1, 2:
			return nil
		case 3:
			return hsm.ErrTokenGone
		}
		time.Sleep(about(limit))
		return nil
	}
	stop := watchStatus(t, token, cfg.Sessions)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for turn := range turns {
				operate := func(ctx context.Context, part int) error {
					name := fmt.Sprintf("%d/%d/%d", caller, turn, part)
					err := hsm.Operate(ctx, token, name, work)
					seen.Operation("", name, hsm.OutcomeOf(err), 0)
					if errors.Is(err, hsm.ErrNotAsked) {
						time.Sleep(limit)
					}
					return err
				}
				ctx, leave := context.WithTimeout(context.Background(), about(limit*time.Duration(1+rand.N(3))))
				switch turn % 3 {
				case 0:
					operate(ctx, 0)
				case 1:
					operate(hsm.Expendable(ctx), 0)
				case 2:
					all.Add(1)
					token.Together(ctx, func(ctx context.Context) error {
						defer all.Done()
						return errors.Join(operate(ctx, 0), operate(ctx, 1))
					})
				}
				leave()
			}
		})
	}
	all.Wait()
	awaitQuiet(t, token)
	stop()
	told.check(t, seen)
	hsm.SetLimit(token, time.Minute)
	if err := hsm.Operate(context.Background(), token, "last", func() error { return nil }); err != nil {
		t.Error(err)
	}
	if status := token.Status(); status.Breaker != hsm.BreakerClosed {
		t.Errorf("%+v", status)
	}
	if err := token.Close(); err != nil {
		t.Error(err)
	}
	if after := hsm.GoroutinesDownTo(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// awaitQuiet waits until every operation has returned, whether anybody waited for it or not.
func awaitQuiet(t *testing.T, token *hsm.Token) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for status := token.Status(); status.Running != 0 || status.Hung != 0; status = token.Status() {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", status)
		}
		time.Sleep(time.Millisecond)
	}
}

// watchStatus looks all the time whether the numbers can be true.
func watchStatus(t *testing.T, token *hsm.Token, sessions int) (stop func()) {
	end := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			if status := token.Status(); status.Hung < 0 || status.Hung > 2*sessions || status.Running > sessions {
				t.Errorf("%+v", status)
			}
			select {
			case <-end:
				return
			case <-time.After(10 * time.Microsecond):
			}
		}
	})
	return func() { close(end); watching.Wait() }
}
