package store

import (
	"context"
	"testing"
	"time"

	"keyferry/server/signer/node"

	"github.com/google/go-cmp/cmp"
)

func TestFreezeHoldsUntilItIsThawed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		s := e.signer(t, place)
		scopes := []node.Scope{node.Everything(), node.Organisation("or-1"), node.Key("key-1")}
		for _, scope := range scopes {
			if frozen, err := s.Frozen(context.Background(), "or-1", "key-1"); err != nil || frozen {
				t.Errorf("frozen before %v: %v, %v", scope, frozen, err)
			}
			for range 2 {
				if err := s.Freeze(context.Background(), node.Freeze{Scope: scope, Since: start}); err != nil {
					t.Fatal(err)
				}
			}
			if frozen, err := e.signer(t, place).Frozen(context.Background(), "or-1", "key-1"); err != nil || !frozen {
				t.Errorf("%v is not frozen for another process: %v", scope, err)
			}
			for range 2 {
				if err := s.Thaw(context.Background(), scope); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestFreezeIsOfItsScopeOnly(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		if err := s.Freeze(context.Background(), node.Freeze{Scope: node.Key("key-1"), Since: start}); err != nil {
			t.Fatal(err)
		}
		if frozen, err := s.Frozen(context.Background(), "or-1", "key-2"); err != nil || frozen {
			t.Errorf("another key is frozen: %v", err)
		}
	})
}

func TestFreezesAreListedOldestFirstWithTheirFirstTime(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		want := []node.Freeze{{Scope: node.Key("key-1"), Since: start}, {Scope: node.Everything(), Since: start.Add(time.Hour)}}
		again := node.Freeze{Scope: node.Key("key-1"), Since: start.Add(2 * time.Hour)}
		for _, f := range []node.Freeze{want[0], want[1], again} {
			if err := s.Freeze(context.Background(), f); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.ListFreezes(context.Background())
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(node.Scope{})); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestUnreadableFreezeIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		execute(t, s.database, `INSERT INTO freezes (scope, since) VALUES ('everything', 1)`)
		if freezes, err := s.ListFreezes(context.Background()); err == nil {
			t.Errorf("read as %+v", freezes)
		}
	})
}
