package store

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/signer/node"
	"keyferry/shares"
)

// committedShare stores one.
func committedShare(t *testing.T, s *Signer) node.Share {
	t.Helper()
	ecdsa, _ := schemes(t)
	share := newShare(t, ecdsa, 3)
	if err := s.AddShare(context.Background(), share); err != nil {
		t.Fatal(err)
	}
	if err := s.CommitShare(context.Background(), share.Key); err != nil {
		t.Fatal(err)
	}
	share.Committed = true
	return share
}

func discardOf(share node.Share) node.Discarded {
	return node.Discarded{ShareName: node.ShareName{Org: share.Org, Key: share.Key}, Since: start, Reason: "lost"}
}

func TestDiscardedShareLeavesWhatIsPublicAndAnEntry(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := committedShare(t, s)
		use := node.Use{Action: [32]byte{1}, Digest: [32]byte{1}, ExpiresAt: start}
		if err := s.UseAction(ctx, use); err != nil {
			t.Fatal(err)
		}
		if err := s.DiscardDamaged(ctx, discardOf(share), share, entry(audit.DamagedShareDiscarded)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Share(ctx, share.Org, share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("the share: %v", err)
		}
		if names, err := s.ShareNames(ctx, "", 10); err != nil || len(names) != 0 {
			t.Errorf("listed: %v, %v", names, err)
		}
		if got, err := s.Discarded(ctx, share.Key); err != nil || got != discardOf(share) {
			t.Errorf("got %+v, %v", got, err)
		}
		entries, err := s.Entries(ctx, 0, 10)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		var recorded audit.Entry
		if err := json.Unmarshal(entries[0].Canonical, &recorded); err != nil || recorded.Kind != audit.DamagedShareDiscarded {
			t.Errorf("recorded %+v, %v", recorded, err)
		}
		use.Digest = [32]byte{2}
		if err := s.UseAction(ctx, use); !errors.Is(err, node.ErrUsed) {
			t.Errorf("a use of before: %v", err)
		}
		if err := s.DiscardDamaged(ctx, discardOf(share), share, entry(audit.DamagedShareDiscarded)); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("again: %v", err)
		}
		if n := count(t, s.database, `SELECT count(*) FROM audit_log`); n != 1 {
			t.Errorf("%d entries", n)
		}
	})
}

// Whatever is in the row when it is removed is what was found damaged.
func TestOnlyTheRowThatWasSeenIsDiscarded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := committedShare(t, s)
		for name, edit := range map[string]func(*node.Share){
			"blob":         func(s *node.Share) { s.Blob = []byte("other") },
			"wrapping key": func(s *node.Share) { s.WrappingKey = 2 },
			"index":        func(s *node.Share) { s.Index = shares.IndexOf(1) },
			"minSigners":   func(s *node.Share) { s.MinSigners = 3 },
			"public share": func(s *node.Share) { s.Public = s.Public[:2] },
			"unreadable":   func(s *node.Share) { *s = node.Share{} },
		} {
			seen := share
			edit(&seen)
			if err := s.DiscardDamaged(ctx, discardOf(share), seen, entry(audit.DamagedShareDiscarded)); !errors.Is(err, node.ErrChanged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		foreign := discardOf(share)
		foreign.Org = "or-2"
		if err := s.DiscardDamaged(ctx, foreign, share, entry(audit.DamagedShareDiscarded)); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("another organisation's: %v", err)
		}
		got, err := s.Share(ctx, share.Org, share.Key)
		if diff := compareShares(share, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if n := count(t, s.database, `SELECT count(*) FROM audit_log`) + count(t, s.database, `SELECT count(*) FROM discarded_shares`); n != 0 {
			t.Errorf("%d rows are left of what was refused", n)
		}
	})
}

func TestUnreadableShareIsDiscardedUnlessItCanBeReadAgain(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := committedShare(t, s)
		execute(t, s.database, `UPDATE shares SET curve = 'none'`)
		if name, err := s.NamedShare(ctx, share.Key); err != nil || name != discardOf(share).ShareName {
			t.Errorf("named %+v, %v", name, err)
		}
		if err := s.DiscardDamaged(ctx, discardOf(share), share); !errors.Is(err, node.ErrChanged) {
			t.Errorf("seen while it could be read: %v", err)
		}
		if err := s.DiscardDamaged(ctx, discardOf(share), node.Share{}); err != nil {
			t.Error(err)
		}
		if _, err := s.NamedShare(ctx, share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("named: %v", err)
		}
		if _, err := s.Discarded(ctx, share.Key); err != nil {
			t.Error(err)
		}
	})
}

func TestDiscardedShareComesBackAsItWasOrNotAtAll(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		share := committedShare(t, s)
		if err := s.DiscardDamaged(ctx, discardOf(share), share); err != nil {
			t.Fatal(err)
		}
		for name, edit := range map[string]func(*node.Share){
			"organisation": func(s *node.Share) { s.Org = "or-2" },
			"public share": func(s *node.Share) { s.Public = append(s.Public[:2:2], s.Public[0]) },
			"index":        func(s *node.Share) { s.Index = shares.IndexOf(1) },
			"minSigners":   func(s *node.Share) { s.MinSigners = 3 },
			"public key":   func(s *node.Share) { s.PublicKey = s.Public[0] },
		} {
			other := share
			edit(&other)
			if err := s.AddShare(ctx, other, entry(audit.ShareIngested)); !errors.Is(err, node.ErrOtherShare) {
				t.Errorf("another %s: %v", name, err)
			}
		}
		if n := count(t, s.database, `SELECT count(*) FROM audit_log`) + count(t, s.database, `SELECT count(*) FROM shares`); n != 0 {
			t.Errorf("%d rows are left of what was refused", n)
		}
		share.Blob = []byte("sealed anew")
		if err := s.AddShare(ctx, share, entry(audit.ShareIngested)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Share(ctx, share.Org, share.Key)
		if diff := compareShares(share, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		if _, err := s.Discarded(ctx, share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("the record: %v", err)
		}
	})
}

// An uncommitted share is part of no key yet: nothing is kept of it.
func TestDiscardedUncommittedShareLeavesNothing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ctx := context.Background()
		s := e.signer(t, t.TempDir())
		ecdsa, _ := schemes(t)
		share := newShare(t, ecdsa, 3)
		if err := s.AddShare(ctx, share); err != nil {
			t.Fatal(err)
		}
		if err := s.DiscardDamaged(ctx, discardOf(share), share); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Discarded(ctx, share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("the record: %v", err)
		}
		if err := s.AddShare(ctx, share); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Share(ctx, share.Org, share.Key); err != nil || got.Committed {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// A trigger that raises ROLLBACK does what SQLite does by itself when the disk fails: the
// whole transaction is undone, and what comes behind it would be one of its own.
func TestRecordOfADiscardOutlastsAReturnThatFails(t *testing.T) {
	ctx := context.Background()
	s := sqliteEngine().signer(t, t.TempDir())
	share := committedShare(t, s)
	if err := s.DiscardDamaged(ctx, discardOf(share), share); err != nil {
		t.Fatal(err)
	}
	execute(t, s.database, `CREATE TRIGGER failing BEFORE INSERT ON shares BEGIN SELECT RAISE(ROLLBACK, 'for a test'); END`)
	if err := s.AddShare(ctx, share, entry(audit.ShareStored)); err == nil {
		t.Error("it came back")
	}
	if got, err := s.Discarded(ctx, share.Key); err != nil || got != discardOf(share) {
		t.Errorf("got %+v, %v", got, err)
	}
}
