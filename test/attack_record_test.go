//go:build cgo

package test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"keyferry/server/audit"
)

// auditReader reads a running server's audit record as it is on disk.
type auditReader struct{ db *sql.DB }

func openRecord(t *testing.T, dir string) *auditReader {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "state/data/server.db")+"?mode=ro&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &auditReader{db}
}

// length is how many entries there are.
func (r *auditReader) length(t *testing.T) int64 {
	t.Helper()
	var n int64
	if err := r.db.QueryRow(`SELECT count(*) FROM audit_log`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// since returns the entries behind the first n.
func (r *auditReader) since(t *testing.T, n int64) []audit.Entry {
	t.Helper()
	rows, err := r.db.Query(`SELECT entry FROM audit_log ORDER BY seq LIMIT -1 OFFSET $1`, n)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var entries []audit.Entry
	for rows.Next() {
		var text []byte
		var entry audit.Entry
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &entry); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return entries
}

// check compares what one request added with what it must have added: one refusal
// with the reason and the id of the error that was answered, or an import that was
// abandoned for the reason; and nothing for what is not recorded.
func (r *auditReader) check(t *testing.T, before int64, reason, id string) {
	t.Helper()
	entries := r.since(t, before)
	switch kinds := kindsOf(entries); {
	case reason == unrecorded, reason == unparsed:
		if len(entries) > 0 {
			t.Errorf("recorded %v", entries)
		}
	case reason == legitimate:
		if slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.Reason != "" }) {
			t.Errorf("recorded as refused: %v", entries)
		}
	case slices.Equal(kinds, []audit.Kind{audit.RequestRefused}):
		if string(entries[0].Reason) != reason || entries[0].Details["errorId"] != id {
			t.Errorf("recorded as %s of error %s, not %s of %s", entries[0].Reason, entries[0].Details["errorId"], reason, id)
		}
	case slices.Equal(kinds, []audit.Kind{audit.ImportBegun, audit.ImportAbandoned}):
		if string(entries[1].Reason) != reason {
			t.Errorf("abandoned as %s, not %s", entries[1].Reason, reason)
		}
	default:
		t.Errorf("recorded %v, not one refusal as %s", entries, reason)
	}
}

func kindsOf(entries []audit.Entry) []audit.Kind {
	var kinds []audit.Kind
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}
