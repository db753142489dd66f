package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// firstVersion is the schema of the first version of this program, which kept the audit
// log without a tree.
const firstVersion = 1

// first makes a database as the first version of this program did, and fills it in one
// transaction.
func (e engine) first(t *testing.T, folder string, kind kind, fill func(tx *transaction) error) {
	t.Helper()
	e.ofVersion(t, firstVersion, folder, kind, fill)
}

// ofVersion is first with the schema of another version.
func (e engine) ofVersion(t *testing.T, version int64, folder string, kind kind, fill func(tx *transaction) error) {
	t.Helper()
	ctx := context.Background()
	place := e.at(t, folder, string(kind))
	d := dialectOf(place)
	write, read, err := d.open(ctx, place)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	provider, err := newProvider(d, write, kind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		t.Fatal(err)
	}
	tx, err := write.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fill(&transaction{session: tx}), tx.Commit()); err != nil {
		t.Fatal(err)
	}
}

// firstServer is a server's database of the first version, with entries.
func firstServer(t *testing.T, e engine, folder string, entries int) {
	t.Helper()
	e.first(t, folder, serverKind, func(tx *transaction) error {
		err := insertAll(context.Background(), tx, `INSERT INTO audit_log (seq, entry, leaf_hash) VALUES ($1, $2, $3)`, firstRows(t, entries))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(context.Background(), `UPDATE audit_state SET size = $1`, entries)
		return err
	})
}

func firstRows(t *testing.T, entries int) [][]any {
	t.Helper()
	var rows [][]any
	for seq := range entries {
		canonical, err := audit.Entry{Kind: audit.RequestRefused, Request: fmt.Sprint(seq)}.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		leaf := merkle.LeafHash(canonical)
		rows = append(rows, []any{seq, canonical, leaf[:]})
	}
	return rows
}

func TestLogOfTheFirstVersionBecomesProvable(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		for _, entries := range []int{0, 7, 1003} { // more than are read at once
			folder := t.TempDir()
			firstServer(t, e, folder, entries)
			s := e.server(t, folder)
			before := verifiedArchive(t, s)
			appendSome(t, s, 3)
			if now := verifiedArchive(t, s, before); before.Size != int64(entries) || now.Size != before.Size+3 {
				t.Errorf("%d entries became %d, then %d", entries, before.Size, now.Size)
			}
			log, key := provable(t, s)
			for index := int64(0); index < before.Size+3; index += 301 {
				p, err := log.ProveInclusion(context.Background(), index)
				if err != nil {
					t.Fatal(err)
				}
				stored, err := s.Entries(context.Background(), index, 1)
				if err != nil || len(stored) != 1 {
					t.Fatal(err)
				}
				if _, err := p.Verify(stored[0].Canonical, key); err != nil {
					t.Errorf("entry %d: %v", index, err)
				}
			}
		}
	})
}

// A log with a hole cannot become a tree that says nothing of it.
func TestLogWithAHoleIsNotMigrated(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		for _, edit := range []string{`DELETE FROM audit_log WHERE seq = 5`, `DELETE FROM audit_log WHERE seq = 9`} {
			folder := t.TempDir()
			firstServer(t, e, folder, 10)
			place := e.at(t, folder, "server")
			write, read, err := dialectOf(place).open(context.Background(), place)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := write.Exec(edit); err != nil {
				t.Fatal(err)
			}
			write.Close()
			read.Close()
			if s, err := OpenServer(context.Background(), Config{Path: place}); err == nil {
				s.Close()
				t.Errorf("%s: migrated all the same", edit)
			}
		}
	})
}
