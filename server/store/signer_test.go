package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares"

	"github.com/google/go-cmp/cmp"
)

func TestFirstEnrolmentStays(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		s := e.signer(t, place)
		first, second := signer.ID{1}, signer.ID{2}
		for _, id := range []signer.ID{first, second, first} {
			if got, err := s.Enrol(context.Background(), id); err != nil || got != first {
				t.Errorf("got %v, %v", got, err)
			}
		}
		if got, err := e.signer(t, place).Enrol(context.Background(), second); err != nil || got != first {
			t.Errorf("another handle: %v, %v", got, err)
		}
		execute(t, s.database, `UPDATE enrolment SET signer = 'me'`)
		if _, err := s.Enrol(context.Background(), first); err == nil {
			t.Error("an edited enrolment passed")
		}
	})
}

// newShare returns a share of n signers, each of whose points is good by itself.
func newShare(t *testing.T, scheme shares.Scheme, n int) node.Share {
	t.Helper()
	share := node.Share{
		Key: "key-1", Org: "or-1", Scheme: scheme, PublicKey: point(t, scheme.Curve(), 100),
		MinSigners: 2, Index: shares.IndexOf(2), Blob: []byte{1, 0, 255}, WrappingKey: 1,
	}
	for i := range n {
		share.Public = append(share.Public, point(t, scheme.Curve(), byte(i+1)))
	}
	return share
}

func compareShares(want, got node.Share) string {
	return cmp.Diff(want, got, cmp.Comparer(shares.Point.Equal), cmp.AllowUnexported(shares.Scheme{}))
}

func TestShareComesBackAsItWas(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		ecdsa, eddsa := schemes(t)
		for _, scheme := range []shares.Scheme{ecdsa, eddsa} {
			s := e.signer(t, t.TempDir())
			want := newShare(t, scheme, 5)
			if err := s.AddShare(context.Background(), want); err != nil {
				t.Fatal(err)
			}
			got, err := s.Share(context.Background(), want.Org, want.Key)
			if diff := compareShares(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", scheme, err, diff)
			}
			if err := s.CommitShare(context.Background(), want.Key); err != nil {
				t.Fatal(err)
			}
			want.Committed = true
			got, err = s.Share(context.Background(), want.Org, want.Key)
			if diff := compareShares(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", scheme, err, diff)
			}
		}
	})
}

func TestShareThatIsThereStaysAsItIs(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ecdsa, _ := schemes(t)
		first := newShare(t, ecdsa, 3)
		second := first
		second.Blob, second.Org, second.Committed = []byte("other"), "or-2", true
		for _, share := range []node.Share{first, second} {
			if err := s.AddShare(context.Background(), share); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Share(context.Background(), first.Org, first.Key)
		if diff := compareShares(first, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestMissingOrForeignShareIsNoShare(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ecdsa, _ := schemes(t)
		share := newShare(t, ecdsa, 3)
		if err := s.AddShare(context.Background(), share); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Share(context.Background(), "or-2", share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("foreign: %v", err)
		}
		for range 2 {
			if err := s.DiscardShare(context.Background(), share.Key); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.Share(context.Background(), share.Org, share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("discarded: %v", err)
		}
		if err := s.CommitShare(context.Background(), share.Key); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("committed nothing: %v", err)
		}
	})
}

func TestCommittedShareIsNotDiscarded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ecdsa, _ := schemes(t)
		share := newShare(t, ecdsa, 3)
		if err := s.AddShare(context.Background(), share); err != nil {
			t.Fatal(err)
		}
		if err := s.CommitShare(context.Background(), share.Key); err != nil {
			t.Fatal(err)
		}
		if err := s.DiscardShare(context.Background(), share.Key); !errors.Is(err, node.ErrCommitted) {
			t.Errorf("got %v", err)
		}
		if got, err := s.Share(context.Background(), share.Org, share.Key); err != nil || !got.Committed {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestAQueryThatWasGivenUpIsNoDamage(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Share(ctx, "or-1", "key-1"); err == nil || errors.Is(err, node.ErrUnreadable) || errors.Is(err, node.ErrNoShare) {
			t.Errorf("got %v", err)
		}
	})
}

func TestShareThatCouldNotBeReadIsNotStored(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ecdsa, eddsa := schemes(t)
		for name, spoil := range map[string]func(*node.Share){
			"no scheme":                        func(share *node.Share) { share.Scheme = shares.Scheme{} },
			"no public key":                    func(share *node.Share) { share.PublicKey = shares.Point{} },
			"no public shares":                 func(share *node.Share) { share.Public = nil },
			"a missing public share":           func(share *node.Share) { share.Public[1] = shares.Point{} },
			"a public share of another curve":  func(share *node.Share) { share.Public[1] = point(t, eddsa.Curve(), 1) },
			"a public key on the other curve":  func(share *node.Share) { share.PublicKey = point(t, eddsa.Curve(), 1) },
			"nothing sealed (a column of nil)": func(share *node.Share) { share.Blob = nil },
		} {
			share := newShare(t, ecdsa, 3)
			spoil(&share)
			if err := s.AddShare(context.Background(), share); err == nil {
				t.Errorf("stored with %s", name)
			}
		}
		if n := count(t, s.database, `SELECT count(*) FROM shares`); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestEditedShareIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ecdsa, _ := schemes(t)
		share := newShare(t, ecdsa, 3)
		zeros := make([]byte, 65)
		for _, edit := range []struct {
			set  string
			args []any
		}{
			{`protocol = 'FROST'`, nil},
			{`curve = 'stark'`, nil},
			{`public_key = upper(public_key)`, nil},
			{`public_key = ''`, nil},
			{`share_index = substr(share_index, 2)`, nil},
			{`public_shares = substr(public_shares, 2)`, nil},
			{`share_index = $1`, []any{zeros[:32]}},
			{`public_shares = $1`, []any{zeros[:0]}},
			{`public_shares = $1`, []any{zeros}},
		} {
			if err := s.AddShare(context.Background(), share); err != nil {
				t.Fatal(err)
			}
			execute(t, s.database, `UPDATE shares SET `+edit.set, edit.args...)
			if _, err := s.Share(context.Background(), share.Org, share.Key); !errors.Is(err, node.ErrUnreadable) {
				t.Errorf("%s: got %v", edit.set, err)
			}
			if err := s.DiscardShare(context.Background(), share.Key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestActionIsUsedForOneThing(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		use := node.Use{Action: challenge.Bytes{1}, Digest: [32]byte{1}, ExpiresAt: start}
		for range 2 {
			if err := s.UseAction(context.Background(), use); err != nil {
				t.Error(err)
			}
		}
		other := use
		other.Digest = [32]byte{2}
		for range 2 {
			if err := s.UseAction(context.Background(), other); !errors.Is(err, node.ErrUsed) {
				t.Errorf("got %v", err)
			}
		}
		other.Action = challenge.Bytes{2}
		if err := s.UseAction(context.Background(), other); err != nil {
			t.Error(err)
		}
	})
}

func TestOneOfManyDigestsWinsAnAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 64 {
			all.Go(func() {
				use := node.Use{Action: challenge.Bytes{1}, Digest: [32]byte{byte(i)}, ExpiresAt: start}
				if err := s.UseAction(context.Background(), use); err == nil {
					won.Add(1)
				} else if !errors.Is(err, node.ErrUsed) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d digests were taken", won.Load())
		}
	})
}

func TestUseIsKeptForADayAfterItsActionExpired(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		use := node.Use{Action: challenge.Bytes{1}, Digest: [32]byte{1}, ExpiresAt: start}
		other := use
		other.Digest = [32]byte{2}
		if err := s.UseAction(context.Background(), use); err != nil {
			t.Fatal(err)
		}
		if n, err := s.PurgeUses(context.Background(), start.Add(24*time.Hour)); err != nil || n != 0 {
			t.Errorf("purged %d, %v", n, err)
		}
		if err := s.UseAction(context.Background(), other); !errors.Is(err, node.ErrUsed) {
			t.Errorf("got %v", err)
		}
		if n, err := s.PurgeUses(context.Background(), start.Add(24*time.Hour+time.Millisecond)); err != nil || n != 1 {
			t.Errorf("purged %d, %v", n, err)
		}
	})
}

func TestSignersRecordStandsAndFallsWithItsChange(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		ctx := context.Background()
		use := node.Use{Action: [32]byte{1}, Digest: [32]byte{1}, ExpiresAt: start}
		other := node.Use{Action: [32]byte{1}, Digest: [32]byte{2}, ExpiresAt: start}
		for range 2 {
			if err := s.UseAction(ctx, use, entry(audit.ShareReleased)); err != nil {
				t.Fatal(err)
			}
			if err := s.Thaw(ctx, node.Everything(), entry(audit.SignerThawed)); err != nil { // it is not frozen
				t.Fatal(err)
			}
			if err := s.Freeze(ctx, node.Freeze{Scope: node.Key("key-1"), Since: start}, entry(audit.SignerFrozen)); err != nil {
				t.Fatal(err)
			}
			if err := s.DiscardShare(ctx, "key-1", entry(audit.ShareDiscarded)); err != nil { // there is none
				t.Fatal(err)
			}
		}
		if err := s.UseAction(ctx, other, entry(audit.ShareReleased)); !errors.Is(err, node.ErrUsed) {
			t.Fatal(err)
		}
		if err := s.CommitShare(ctx, "key-1", entry(audit.ShareCommitted)); !errors.Is(err, node.ErrNoShare) {
			t.Fatal(err)
		}
		if err := s.Thaw(ctx, node.Key("key-1"), entry(audit.SignerThawed)); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ctx, entry(audit.SignerRefused)); err != nil {
			t.Fatal(err)
		}
		entries, err := s.Entries(ctx, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []audit.Kind
		for _, one := range entries {
			var e audit.Entry
			if err := json.Unmarshal(one.Canonical, &e); err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, e.Kind)
		}
		want := []audit.Kind{audit.ShareReleased, audit.SignerFrozen, audit.ShareReleased, audit.SignerThawed, audit.SignerRefused}
		if !slices.Equal(kinds, want) {
			t.Errorf("got %v\nwant %v", kinds, want)
		}
	})
}

func TestEnrolledIsTheSignerOnlyOnceThereIsOne(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.signer(t, t.TempDir())
		if _, err := s.Enrolled(context.Background()); !errors.Is(err, ErrNotEnrolled) {
			t.Errorf("got %v", err)
		}
		id := signer.ID{1, 2, 3}
		if _, err := s.Enrol(context.Background(), id); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Enrolled(context.Background()); err != nil || got != id {
			t.Errorf("got %v, %v", got, err)
		}
	})
}
