package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"keyferry/server/admin"
	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// verifiedLog reads the whole log and checks its numbers and hashes.
func verifiedLog(t *testing.T, s *Server) []audit.Entry {
	t.Helper()
	const page = 7
	var log []audit.Entry
	for {
		entries, err := s.Entries(context.Background(), int64(len(log)), page)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			hash := merkle.LeafHash(e.Canonical)
			if e.Index != int64(len(log)) || !bytes.Equal(e.LeafHash, hash[:]) {
				t.Fatalf("entry %d stands at %d, with the hash %x in place of %x", e.Index, len(log), e.LeafHash, hash)
			}
			var parsed audit.Entry
			if err := json.Unmarshal(e.Canonical, &parsed); err != nil {
				t.Fatal(err)
			}
			log = append(log, parsed)
		}
		if len(entries) < page {
			return log
		}
	}
}

func TestLogKeepsCanonicalEntriesInOrder(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		for i := range 20 {
			one := audit.Entry{Kind: audit.RequestRefused, Request: fmt.Sprint(i)}
			if err := s.Append(context.Background(), one); err != nil {
				t.Fatal(err)
			}
			canonical, err := one.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			stored, err := s.Entries(context.Background(), int64(i), 5)
			if err != nil || len(stored) != 1 || !bytes.Equal(stored[0].Canonical, canonical) {
				t.Fatalf("entry %d: %v, %v", i, stored, err)
			}
		}
		if log := verifiedLog(t, s); len(log) != 20 || log[13].Request != "13" {
			t.Errorf("got %d entries", len(log))
		}
	})
}

func TestLogHasNoGapsWhereChangesFail(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if i%2 == 0 {
					if err := s.Append(context.Background(), entry(audit.RequestRefused)); err != nil {
						t.Error(err)
					}
					return
				}
				err := s.SetActivation(context.Background(), "or-none", nil, entry(audit.ExportDeactivated))
				if !errors.Is(err, admin.ErrNotFound) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		log := verifiedLog(t, s)
		if len(log) != 50 {
			t.Errorf("%d entries", len(log))
		}
		for _, one := range log {
			if one.Kind != audit.RequestRefused {
				t.Errorf("a change that failed is recorded: %s", one.Kind)
			}
		}
	})
}

func TestLogGoesOnAfterReopening(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		place := t.TempDir()
		for i := range 3 {
			s := e.server(t, place)
			if err := s.Append(context.Background(), entry(audit.RequestRefused)); err != nil {
				t.Fatal(err)
			}
			if got := len(verifiedLog(t, s)); got != i+1 {
				t.Fatalf("%d entries after %d", got, i+1)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestNothingChangesWhereItCannotBeRecorded(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		o := newOffice(t, e)
		key := o.sampleKey(1)
		action := o.signed()
		execute(t, o.database, `DELETE FROM audit_state`)
		if err := o.BeginExport(context.Background(), action, o.export(key), entry(audit.ExportBegun)); err == nil {
			t.Error("exported without a record")
		}
		found, err := o.stored(action)
		if err != nil || found.Used || !o.exportedAt(key).IsZero() {
			t.Errorf("something is left of it: used %v, exported %v, %v", found.Used, o.exportedAt(key), err)
		}
	})
}
