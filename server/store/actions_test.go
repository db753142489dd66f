package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/transfer"
	"keyferry/server/useraction"

	"github.com/google/go-cmp/cmp"
)

func TestActionComesBackAsItWas(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		for _, payload := range []string{"", "{}", "é\x00\u2028", `{"a":"` + string(make([]byte, 4000)) + `"}`} {
			want := o.action(payload)
			o.must(o.AddAction(context.Background(), want))
			got, err := o.ActionByToken(context.Background(), want.TokenHash)
			if diff := cmp.Diff(want, got); err != nil || diff != "" || got.ID() != want.ID() {
				t.Errorf("%v\n%s", err, diff)
			}
		}
	})
}

func TestChallengeIsAnsweredOnceAndRecorded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		first := o.action("{}")
		o.must(o.AddAction(context.Background(), first))
		second := first
		second.TokenHash, second.Signature = [32]byte{2}, []byte("another of the same user's")
		if err := o.AddAction(context.Background(), second); !errors.Is(err, useraction.ErrAnswered) {
			t.Errorf("answered twice: %v", err)
		}
		if _, err := o.ActionByToken(context.Background(), second.TokenHash); !errors.Is(err, useraction.ErrNoAction) {
			t.Errorf("the second token is good: %v", err)
		}
		if got, err := o.ActionByToken(context.Background(), first.TokenHash); err != nil || !cmp.Equal(first, got) {
			t.Errorf("the first is not what it was: %v", err)
		}
		log := verifiedLog(t, o.Server)
		want := audit.Entry{
			Version: audit.SchemaVersion, Time: challenge.MillisOf(start), Kind: audit.ActionSigned,
			Org: o.org, User: o.user, Credential: o.credential, Action: first.ID().String(),
		}
		if diff := cmp.Diff(want, log[len(log)-1]); diff != "" || o.recorded(audit.ActionSigned) != 1 {
			t.Error(diff)
		}
	})
}

// Half of the racers come through another handle, as another process does.
func TestOfManyAnswersToAChallengeOneWins(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		folder := t.TempDir()
		o := officeIn(t, e.server(t, folder))
		handles := []*Server{o.Server, e.server(t, folder)}
		a := o.action("{}")
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 16 {
			answer := a
			answer.TokenHash = [32]byte{byte(i)}
			all.Go(func() {
				if err := handles[i%2].AddAction(context.Background(), answer); err == nil {
					won.Add(1)
				} else if !errors.Is(err, useraction.ErrAnswered) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || o.recorded(audit.ActionSigned) != 1 {
			t.Errorf("%d won", won.Load())
		}
	})
}

func TestTokenHashStandsForOneAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		a, b := o.action("a"), o.action("b")
		o.must(o.AddAction(context.Background(), a))
		b.TokenHash = a.TokenHash
		if err := o.AddAction(context.Background(), b); err == nil || errors.Is(err, useraction.ErrAnswered) {
			t.Errorf("two actions have one token: %v", err)
		}
	})
}

func TestPurgedActionIsUnknownAndNotReplayable(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		used, unused := o.signed(), o.signed()
		o.must(o.BeginExport(context.Background(), used, o.export(key), entry(audit.ExportBegun)))
		late := o.signed()
		a, err := o.stored(late)
		o.must(err)
		n, err := o.PurgeActions(context.Background(), a.Input.ExpiresAt.Time())
		if err != nil || n != 3 {
			t.Fatalf("purged %d, %v", n, err)
		}
		for _, id := range []string{used, unused} {
			if _, err := o.stored(id); !errors.Is(err, useraction.ErrNoAction) {
				t.Errorf("still there: %v", err)
			}
			if err := o.BeginExport(context.Background(), id, o.export(key), entry(audit.ExportBegun)); !errors.Is(err, useraction.ErrReplayed) {
				t.Errorf("a purged action was redeemed: %v", err)
			}
		}
		if _, err := o.stored(late); err != nil {
			t.Errorf("one that has not expired is gone: %v", err)
		}
	})
}

func TestRedeemRefusesWhatWasNotSignedOrIsAnothersAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		unsigned := o.action("{}").ID().String()
		for name, action := range map[string]string{"unsigned": unsigned, "another's": other.signed(), "none": ""} {
			err := o.BeginImport(context.Background(), action, transfer.Import{Key: "key-1", Org: o.org, BegunAt: start}, entry(audit.ImportBegun))
			if !errors.Is(err, useraction.ErrReplayed) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if o.recorded(audit.ImportBegun) != 0 {
			t.Error("recorded all the same")
		}
	})
}

func TestEditedActionIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		for _, edit := range []string{`nonce = substr(nonce, 2)`, `payload_hash = substr(payload_hash, 2)`, `token_hash = substr(token_hash, 2)`, `credential = NULL`} {
			o := newOffice(t, e)
			id := o.signed()
			execute(t, o.database, `UPDATE actions SET `+edit)
			if _, err := o.stored(id); err == nil || errors.Is(err, useraction.ErrNoAction) {
				t.Errorf("%s: got %v", edit, err)
			}
		}
	})
}

func TestAddActionRefusesOneThatIsUsed(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		a := o.action("{}")
		a.Used = true
		if err := o.AddAction(context.Background(), a); err == nil {
			t.Error("took it")
		}
	})
}
