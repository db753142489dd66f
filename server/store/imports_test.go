package store

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/shares"

	"github.com/google/go-cmp/cmp"
)

func (o *office) beginImport(key keyring.Key) transfer.Import {
	o.t.Helper()
	i := transfer.Import{Key: key.ID, Org: o.org, BegunAt: key.CreatedAt}
	o.must(o.BeginImport(context.Background(), o.signed(), i, entry(audit.ImportBegun)))
	return i
}

func TestKeyIsThereOnceItsImportIsFinished(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		ecdsa, eddsa := schemes(t)
		for _, scheme := range []shares.Scheme{ecdsa, eddsa} {
			want := o.newKey(scheme, point(t, scheme.Curve(), 9))
			running := o.beginImport(want)
			if _, err := o.Key(context.Background(), o.org, want.ID); !errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("half a key: %v", err)
			}
			if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 1 || imports[0] != running {
				t.Errorf("running are %+v, %v", imports, err)
			}
			o.must(o.FinishImport(context.Background(), o.imported(want), entry(audit.ImportFinished)))
			got, err := o.Key(context.Background(), o.org, want.ID)
			if diff := cmp.Diff(want, got, cmp.Comparer(shares.Point.Equal), cmp.AllowUnexported(shares.Scheme{})); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 0 {
				t.Errorf("running are %+v, %v", imports, err)
			}
		}
	})
}

func TestAbandonedImportCannotBeFinished(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		ecdsa, _ := schemes(t)
		key := o.newKey(ecdsa, point(t, ecdsa.Curve(), 1))
		o.beginImport(key)
		o.must(o.ForgetImport(context.Background(), key.ID)) // it is still running: stays
		o.must(o.AbandonImport(context.Background(), key.ID, entry(audit.ImportAbandoned)))
		if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 1 || !imports[0].Abandoned {
			t.Errorf("open are %+v, %v", imports, err)
		}
		if err := o.FinishImport(context.Background(), o.imported(key), entry(audit.ImportFinished)); !errors.Is(err, transfer.ErrNotRunning) {
			t.Errorf("finished: %v", err)
		}
		if err := o.AbandonImport(context.Background(), key.ID, entry(audit.ImportAbandoned)); !errors.Is(err, transfer.ErrNotRunning) {
			t.Errorf("abandoned twice: %v", err)
		}
		if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 1 {
			t.Errorf("to be discarded are %+v, %v", imports, err)
		}
		o.must(o.ForgetImport(context.Background(), key.ID))
		o.must(o.ForgetImport(context.Background(), key.ID))
		if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 0 {
			t.Errorf("to be discarded are %+v, %v", imports, err)
		}
		if o.recorded(audit.ImportAbandoned) != 1 || o.recorded(audit.ImportFinished) != 0 {
			t.Error("the record is wrong")
		}
	})
}

func TestFinishedImportIsOver(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		ecdsa, _ := schemes(t)
		key := o.newKey(ecdsa, point(t, ecdsa.Curve(), 1))
		o.beginImport(key)
		foreign := key
		foreign.Org = other.org
		if err := o.FinishImport(context.Background(), o.imported(foreign), entry(audit.ImportFinished)); !errors.Is(err, transfer.ErrNotRunning) {
			t.Errorf("finished for another organisation: %v", err)
		}
		o.must(o.FinishImport(context.Background(), o.imported(key), entry(audit.ImportFinished)))
		if err := o.FinishImport(context.Background(), o.imported(key), entry(audit.ImportFinished)); !errors.Is(err, transfer.ErrNotRunning) {
			t.Errorf("finished twice: %v", err)
		}
		if err := o.AbandonImport(context.Background(), key.ID, entry(audit.ImportAbandoned)); !errors.Is(err, transfer.ErrNotRunning) {
			t.Errorf("abandoned: %v", err)
		}
		if _, err := o.Key(context.Background(), o.org, key.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestKeyWithoutPublicKeyIsRefusedAndItsImportGoesOn(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		ecdsa, eddsa := schemes(t)
		key := o.newKey(ecdsa, shares.Point{})
		o.beginImport(key)
		for _, public := range []shares.Point{{}, point(t, eddsa.Curve(), 1)} {
			key.PublicKey = public
			if err := o.FinishImport(context.Background(), o.imported(key), entry(audit.ImportFinished)); !errors.Is(err, shares.ErrScheme) {
				t.Errorf("got %v", err)
			}
		}
		if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 1 {
			t.Errorf("running are %+v, %v", imports, err)
		}
	})
}

func TestFinishedImportSaysWhoHoldsTheKey(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		ecdsa, eddsa := schemes(t)
		for _, scheme := range []shares.Scheme{ecdsa, eddsa} {
			key := o.importKey(scheme, point(t, scheme.Curve(), 9))
			got, err := o.Holders(context.Background(), key)
			if diff := cmp.Diff(o.imported(key).Holders, got, cmp.Comparer(shares.Point.Equal)); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		}
		if got, err := o.Holders(context.Background(), keyring.Key{ID: "key-none"}); err != nil || len(got) != 0 {
			t.Errorf("nobody's key is held by %v, %v", got, err)
		}
	})
}

func TestImportIsRefusedWithoutAHolderForEveryShare(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		ecdsa, eddsa := schemes(t)
		for name, spoil := range map[string]func(i *transfer.Imported){
			"one holder is missing":         func(i *transfer.Imported) { i.Holders = i.Holders[1:] },
			"a holder stands twice":         func(i *transfer.Imported) { i.Holders[0].Signer = i.Holders[1].Signer },
			"an index stands twice":         func(i *transfer.Imported) { i.Holders[0].Index = i.Holders[1].Index },
			"no commitment":                 func(i *transfer.Imported) { i.Holders[0].Commitment = shares.Point{} },
			"a commitment of another curve": func(i *transfer.Imported) { i.Holders[0].Commitment = point(t, eddsa.Curve(), 1) },
		} {
			key := o.newKey(ecdsa, point(t, ecdsa.Curve(), 1))
			o.beginImport(key)
			imported := o.imported(key)
			spoil(&imported)
			if err := o.FinishImport(context.Background(), imported, entry(audit.ImportFinished)); err == nil {
				t.Errorf("%s: finished", name)
			}
			if _, err := o.Key(context.Background(), o.org, key.ID); !errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("%s: half a key: %v", name, err)
			}
		}
	})
}

func TestEditedHolderIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		for _, edit := range []string{`signer = 'me'`, `share_index = substr(share_index, 2)`, `commitment = substr(commitment, 2)`} {
			key := o.sampleKey(1)
			execute(t, o.database, `UPDATE holders SET `+edit+` WHERE key_id = $1 AND signer = $2`, key.ID, o.imported(key).Holders[0].Signer.String())
			if holders, err := o.Holders(context.Background(), key); err == nil {
				t.Errorf("%s: read as %v", edit, holders)
			}
		}
	})
}

func TestFinishedImportIsUncommittedUntilAllSignersHave(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		commits, err := o.Uncommitted(context.Background())
		want := []signer.Commit{{Org: o.org, Key: key.ID, Receipts: o.imported(key).Receipts}}
		if diff := cmp.Diff(want, commits); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
		for range 2 {
			o.must(o.ForgetCommit(context.Background(), key.ID))
		}
		if commits, err := o.Uncommitted(context.Background()); err != nil || len(commits) != 0 {
			t.Errorf("uncommitted are %+v, %v", commits, err)
		}
	})
}

func TestEditedReceiptsAreAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		o.sampleKey(1)
		for _, text := range []string{"", "{}", `[{"signerId":"me"}]`} {
			execute(t, o.database, `UPDATE commits SET receipts = $1`, text)
			if commits, err := o.Uncommitted(context.Background()); err == nil {
				t.Errorf("%q: read as %+v", text, commits)
			}
		}
	})
}
