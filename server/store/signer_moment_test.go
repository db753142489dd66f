package store

import (
	"context"
	"errors"
	"sync"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/signer/node"
)

// use is of an action that bears this number.
func use(action, digest byte) node.Use {
	return node.Use{Action: [32]byte{action}, Digest: [32]byte{digest}, ExpiresAt: start}
}

func TestOfWhatIsDoneTogetherAllStaysOrNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ctx := context.Background()
		both := func(refused error) error {
			return s.Together(ctx, func(ctx context.Context, at node.Moment) error {
				first := at.UseAction(ctx, use(1, 1), entry(audit.ShareReleased))
				second := at.UseAction(ctx, use(2, 1), entry(audit.ShareReleased))
				return errors.Join(first, second, refused)
			})
		}
		if err := both(errTest); !errors.Is(err, errTest) {
			t.Errorf("told %v", err)
		}
		if n := count(t, s.database, `SELECT (SELECT COUNT(*) FROM uses) + (SELECT COUNT(*) FROM audit_log)`); n != 0 {
			t.Errorf("%d rows of what was refused", n)
		}
		if err := s.UseAction(ctx, use(2, 2)); err != nil {
			t.Errorf("what was refused is used: %v", err)
		}
		if err := both(nil); !errors.Is(err, node.ErrUsed) {
			t.Errorf("told %v", err)
		}
		if err := s.UseAction(ctx, use(1, 2)); err != nil {
			t.Errorf("the first of two was kept without the second: %v", err)
		}
		if n := count(t, s.database, `SELECT COUNT(*) FROM audit_log`); n != 0 {
			t.Errorf("%d entries", n)
		}
	})
}

// What another process acknowledged is seen by whoever comes after it.
func TestAMomentIsOfNow(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		folder := t.TempDir()
		s, other := e.signer(t, folder), e.signer(t, folder)
		ecdsa, _ := schemes(t)
		share := newShare(t, ecdsa, 1)
		ctx := context.Background()
		look := func() (found, frozen bool) {
			err := s.Together(ctx, func(ctx context.Context, at node.Moment) error {
				got, err := at.Share(ctx, share.Org, share.Key)
				if found = err == nil; found && compareShares(share, got) != "" {
					t.Error(compareShares(share, got))
				}
				if err != nil && !errors.Is(err, node.ErrNoShare) {
					return err
				}
				frozen, err = at.Frozen(ctx, share.Org, share.Key)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return found, frozen
		}
		expect := func(what string, wantFound, wantFrozen bool) {
			t.Helper()
			if found, frozen := look(); found != wantFound || frozen != wantFrozen {
				t.Errorf("%s: share %v, frozen %v", what, found, frozen)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		expect("empty", false, false)
		must(other.AddShare(ctx, share))
		expect("with a share", true, false)
		for _, scope := range []node.Scope{node.Everything(), node.Organisation(share.Org), node.Key(share.Key)} {
			must(other.Freeze(ctx, node.Freeze{Scope: scope, Since: start}))
			expect("frozen "+scope.String(), true, true)
			must(other.Thaw(ctx, scope))
			expect("thawed "+scope.String(), true, false)
		}
	})
}

// Of two processes that use one action for different things, one wins, each time.
func TestMomentsOfTwoProcessesExcludeEachOther(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		folder := t.TempDir()
		processes := []*Signer{e.signer(t, folder), e.signer(t, folder)}
		const actions = 30
		var mu sync.Mutex
		won := [actions]int{}
		var all sync.WaitGroup
		for digest, process := range processes {
			for action := range actions {
				all.Go(func() {
					err := process.Together(context.Background(), func(ctx context.Context, at node.Moment) error {
						return at.UseAction(ctx, use(byte(action), byte(digest)), entry(audit.ShareReleased))
					})
					if err != nil && !errors.Is(err, node.ErrUsed) {
						t.Error(err)
					}
					if err == nil {
						mu.Lock()
						defer mu.Unlock()
						won[action]++
					}
				})
			}
		}
		all.Wait()
		for action, n := range won {
			if n != 1 {
				t.Errorf("action %d was used for %d things", action, n)
			}
		}
		if n := count(t, processes[0].database, `SELECT COUNT(*) FROM audit_log`); n != actions {
			t.Errorf("%d entries", n)
		}
	})
}
