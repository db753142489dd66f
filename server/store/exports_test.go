package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

func TestExportMarksTheKeyBeforeAnythingElse(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		if !o.exportedAt(key).IsZero() {
			t.Fatal("exported from the start")
		}
		first := o.begin(key)
		second := o.begin(key)
		if got := o.exportedAt(key); !got.Equal(first.BegunAt) {
			t.Errorf("exported at %v in place of %v", got, first.BegunAt)
		}
		running, _, err := o.Unfinished(context.Background())
		if err != nil || len(running) != 2 || running[0] != first || running[1] != second {
			t.Errorf("running are %+v, %v", running, err)
		}
		o.finish(first, audit.Released)
		o.finish(second, audit.Failed)
		if running, _, err := o.Unfinished(context.Background()); err != nil || len(running) != 0 {
			t.Errorf("running are %+v, %v", running, err)
		}
		if o.recorded(audit.ExportBegun) != 2 || o.recorded(audit.ExportFinished) != 2 {
			t.Error("the record is not complete")
		}
	})
}

func TestVoidExportCountsNoMore(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		first, second, third := o.begin(key), o.begin(key), o.begin(key)
		o.finish(second, audit.Void)
		if got := o.exportedAt(key); !got.Equal(first.BegunAt) {
			t.Errorf("exported at %v in place of %v", got, first.BegunAt)
		}
		o.finish(first, audit.Void)
		if got := o.exportedAt(key); !got.Equal(third.BegunAt) {
			t.Errorf("exported at %v in place of %v", got, third.BegunAt)
		}
		o.finish(third, audit.Void)
		if got := o.exportedAt(key); !got.IsZero() {
			t.Errorf("exported at %v", got)
		}
	})
}

func TestExportIsClosedOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		export := o.begin(key)
		o.finish(export, audit.Released)
		for name, c := range map[string]struct {
			export  transfer.Export
			outcome audit.Outcome
		}{
			"again, as void":        {export, audit.Void},
			"one that never was":    {o.export(key), audit.Void},
			"with no such outcome":  {o.begin(key), audit.Stored},
			"as another's":          {transfer.Export{ID: o.begin(key).ID, Org: "or-other", Key: key.ID}, audit.Void},
			"as one of another key": {transfer.Export{ID: o.begin(key).ID, Org: o.org, Key: "key-other"}, audit.Void},
		} {
			if _, err := o.FinishExport(context.Background(), c.export, c.outcome, entry(audit.ExportFinished)); err == nil {
				t.Errorf("closed %s", name)
			}
		}
		if got := o.exportedAt(key); !got.Equal(export.BegunAt) || o.recorded(audit.ExportFinished) != 1 {
			t.Errorf("exported at %v", got)
		}
	})
}

func TestExportIsOfAnActiveKeyOfTheOrganisation(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		foreign := other.sampleKey(1)
		archived := o.archivedKey(2)
		for name, key := range map[string]keyring.Key{"foreign": foreign, "archived": archived, "missing": {ID: "key-none"}} {
			action := o.signed()
			err := o.BeginExport(context.Background(), action, o.export(key), entry(audit.ExportBegun))
			if !errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("%s: got %v", name, err)
			}
			if a, err := o.stored(action); err != nil || a.Used {
				t.Errorf("%s: the action was used up, %v", name, err)
			}
		}
		if !other.exportedAt(foreign).IsZero() || o.recorded(audit.ExportBegun) != 0 {
			t.Error("something is left of it")
		}
	})
}

func TestExportRefusesReplayedAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key, untouched := o.sampleKey(1), o.sampleKey(2)
		action := o.signed()
		o.must(o.BeginExport(context.Background(), action, o.export(key), entry(audit.ExportBegun)))
		if a, err := o.stored(action); err != nil || !a.Used {
			t.Errorf("not used: %v", err)
		}
		err := o.BeginExport(context.Background(), action, o.export(untouched), entry(audit.ExportBegun))
		if !errors.Is(err, useraction.ErrReplayed) || !o.exportedAt(untouched).IsZero() {
			t.Errorf("got %v, exported at %v", err, o.exportedAt(untouched))
		}
		err = o.BeginImport(context.Background(), action, transfer.Import{Key: "key-1", Org: o.org, BegunAt: start}, entry(audit.ImportBegun))
		if !errors.Is(err, useraction.ErrReplayed) {
			t.Errorf("import: got %v", err)
		}
	})
}

// Half of the racers come through another handle, as another process does.
func TestOneOfManyRacersRedeemsAnAction(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		o := officeIn(t, e.server(t, place))
		handles := []*Server{o.Server, e.server(t, place)}
		key := o.sampleKey(1)
		action := o.signed()
		var won, replayed atomic.Int64
		var all sync.WaitGroup
		for i := range 64 {
			export := o.export(key)
			all.Go(func() {
				switch err := handles[i%2].BeginExport(context.Background(), action, export, entry(audit.ExportBegun)); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, useraction.ErrReplayed):
					replayed.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || replayed.Load() != 63 {
			t.Errorf("%d won, %d were refused", won.Load(), replayed.Load())
		}
		if running, _, err := o.Unfinished(context.Background()); err != nil || len(running) != 1 || o.recorded(audit.ExportBegun) != 1 {
			t.Errorf("running are %+v, %v", running, err)
		}
	})
}

func TestReimportDoesNotHideAnEarlierExport(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		other := officeIn(t, o.Server)
		ecdsa, _ := schemes(t)
		public := point(t, ecdsa.Curve(), 1)
		first := o.importKey(ecdsa, public)
		twin := o.importKey(ecdsa, public)
		export := o.begin(first)
		again := o.importKey(ecdsa, public)
		theirs := other.importKey(ecdsa, public)
		for name, key := range map[string]keyring.Key{"the key": first, "its twin": twin, "the one imported later": again} {
			if got := o.exportedAt(key); !got.Equal(export.BegunAt) {
				t.Errorf("%s: exported at %v in place of %v", name, got, export.BegunAt)
			}
		}
		if !other.exportedAt(theirs).IsZero() {
			t.Error("another organisation sees it")
		}
		o.finish(export, audit.Void)
		for name, key := range map[string]keyring.Key{"the key": first, "its twin": twin, "the one imported later": again} {
			if got := o.exportedAt(key); got != (time.Time{}) {
				t.Errorf("%s: exported at %v after all was void", name, got)
			}
		}
	})
}
