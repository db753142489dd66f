package store

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/keyring"
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
			o.must(o.FinishImport(context.Background(), want, entry(audit.ImportFinished)))
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
		if err := o.FinishImport(context.Background(), key, entry(audit.ImportFinished)); !errors.Is(err, transfer.ErrNotRunning) {
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
		if err := o.FinishImport(context.Background(), foreign, entry(audit.ImportFinished)); !errors.Is(err, transfer.ErrNotRunning) {
			t.Errorf("finished for another organisation: %v", err)
		}
		o.must(o.FinishImport(context.Background(), key, entry(audit.ImportFinished)))
		if err := o.FinishImport(context.Background(), key, entry(audit.ImportFinished)); !errors.Is(err, transfer.ErrNotRunning) {
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
			if err := o.FinishImport(context.Background(), key, entry(audit.ImportFinished)); !errors.Is(err, shares.ErrScheme) {
				t.Errorf("got %v", err)
			}
		}
		if _, imports, err := o.Unfinished(context.Background()); err != nil || len(imports) != 1 {
			t.Errorf("running are %+v, %v", imports, err)
		}
	})
}
