package store

import (
	"context"
	"crypto/sha256"
	"errors"
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
			got, err := o.ActionByID(context.Background(), want.ID)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			by := o.assertion(want.ID)
			o.must(o.CompleteAction(context.Background(), want.ID, by))
			want.Signed = &by
			got, err = o.ActionByToken(context.Background(), by.TokenHash)
			if diff := cmp.Diff(want, got); err != nil || diff != "" || got.Input.Hash() != want.Input.Hash() {
				t.Errorf("%v\n%s", err, diff)
			}
		}
	})
}

func TestActionIsCompletedOnceAndRecorded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		a := o.action("{}")
		o.must(o.AddAction(context.Background(), a))
		o.must(o.CompleteAction(context.Background(), a.ID, o.assertion("first")))
		if err := o.CompleteAction(context.Background(), a.ID, o.assertion("second")); !errors.Is(err, useraction.ErrNoAction) {
			t.Errorf("completed twice: %v", err)
		}
		if err := o.CompleteAction(context.Background(), "ch-none", o.assertion("third")); !errors.Is(err, useraction.ErrNoAction) {
			t.Errorf("completed nothing: %v", err)
		}
		if _, err := o.ActionByToken(context.Background(), sha256.Sum256([]byte("second"))); !errors.Is(err, useraction.ErrNoAction) {
			t.Errorf("the second token is good: %v", err)
		}
		log := verifiedLog(t, o.Server)
		hash, _ := a.Input.Hash().MarshalText()
		want := audit.Entry{
			Version: audit.SchemaVersion, Time: challenge.MillisOf(start), Kind: audit.ActionSigned,
			Org: o.org, User: o.user, Credential: o.credential, Action: string(hash),
		}
		if diff := cmp.Diff(want, log[len(log)-1]); diff != "" || o.recorded(audit.ActionSigned) != 1 {
			t.Error(diff)
		}
	})
}

func TestTokenHashStandsForOneAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		a, b := o.action("a"), o.action("b")
		o.must(o.AddAction(context.Background(), a))
		o.must(o.AddAction(context.Background(), b))
		o.must(o.CompleteAction(context.Background(), a.ID, o.assertion("same")))
		if err := o.CompleteAction(context.Background(), b.ID, o.assertion("same")); err == nil {
			t.Error("two actions have one token")
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
		a, err := o.ActionByID(context.Background(), late)
		o.must(err)
		n, err := o.PurgeActions(context.Background(), a.Input.ExpiresAt.Time())
		if err != nil || n != 3 {
			t.Fatalf("purged %d, %v", n, err)
		}
		for _, id := range []string{used, unused} {
			if _, err := o.ActionByID(context.Background(), id); !errors.Is(err, useraction.ErrNoAction) {
				t.Errorf("still there: %v", err)
			}
			if err := o.BeginExport(context.Background(), id, o.export(key), entry(audit.ExportBegun)); !errors.Is(err, useraction.ErrReplayed) {
				t.Errorf("a purged action was redeemed: %v", err)
			}
		}
		if _, err := o.ActionByID(context.Background(), late); err != nil {
			t.Errorf("one that has not expired is gone: %v", err)
		}
	})
}

func TestRedeemRefusesWhatWasNotSignedOrIsAnothersAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		unsigned := o.action("{}")
		o.must(o.AddAction(context.Background(), unsigned))
		for name, action := range map[string]string{"unsigned": unsigned.ID, "another's": other.signed(), "none": ""} {
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
			if _, err := o.ActionByID(context.Background(), id); err == nil || errors.Is(err, useraction.ErrNoAction) {
				t.Errorf("%s: got %v", edit, err)
			}
		}
	})
}

func TestAddActionRefusesOneThatIsNotNew(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		a := o.action("{}")
		a.Used = true
		if err := o.AddAction(context.Background(), a); err == nil {
			t.Error("took a used action")
		}
		a.Used = false
		o.must(o.AddAction(context.Background(), a))
		if err := o.AddAction(context.Background(), a); err == nil {
			t.Error("took an id twice")
		}
	})
}
