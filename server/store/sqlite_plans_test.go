package store

import (
	"slices"
	"strings"
	"testing"
)

// An index of some rows can be used where a value is known to be one of theirs. A plan that
// holds for every value does not use it, and needs not be made again for the next one.
func TestSQLitePlansOnceForAllValues(t *testing.T) {
	s := sqliteServer(t, t.TempDir())
	usesIndex := func(where string, args ...any) bool {
		t.Helper()
		rows, err := s.readers.Query(`EXPLAIN QUERY PLAN SELECT id FROM exports WHERE `+where+` ORDER BY begun_at`, args...)
		plan, err := scanAll(rows, err, func(r row) (step string, err error) {
			var id, parent, unused int
			err = r.Scan(&id, &parent, &unused, &step)
			return step, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(plan, func(step string) bool { return strings.Contains(step, "exports_running") })
	}
	if !usesIndex(`state = 'begun'`) {
		t.Error("the index is not used at all")
	}
	if usesIndex(`state = $1`, "begun") {
		t.Error("the plan is made for one value")
	}
}
