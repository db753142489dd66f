//go:build cgo

package torture

import (
	"database/sql"
	"maps"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
	_ "github.com/mattn/go-sqlite3"    // the database/sql driver "sqlite3"

	"keyferry/config"
	"keyferry/server/identity"
)

// checkDatabases looks into the databases of a server that has just started and has
// nothing to do: what was begun has an end, every signer has its share of each key, for
// good, and of nothing else, and organisations may do what the record says.
func checkDatabases(t *testing.T, p *process, keys map[string]bool, allowed map[identity.OrgID]string) {
	t.Helper()
	c, err := config.Load(filepath.Join(p.dir, "state", "keyferry.yaml"), nil)
	must(t, err)
	imports := checkEnds(t, c.Database)
	now := pairs[identity.OrgID, string](t, c.Database, `SELECT id, export_reference FROM organisations WHERE export_reference IS NOT NULL`)
	if !maps.Equal(now, allowed) {
		t.Errorf("organisations may export by %v, and the record says %v", now, allowed)
	}
	for i, s := range c.Signers {
		shares := pairs[string, bool](t, s.Store, `SELECT key_id, committed FROM shares`)
		maps.DeleteFunc(shares, func(key string, committed bool) bool { return !committed && imports[key] > 0 })
		if !maps.Equal(shares, keys) {
			t.Errorf("signer %d has shares (true: for good) of %v, and the server has keys %v", i+1, shares, keys)
		}
	}
}

// longestAct is after how long a server knows that nobody is at what was begun, with the
// default timeouts, and a minute more. It has to know where others may be at it: in
// PostgreSQL.
const longestAct = 3 * time.Minute

// checkEnds returns the imports that may still be under way, and when they were begun.
func checkEnds(t *testing.T, database string) (imports map[string]int64) {
	t.Helper()
	if commits := pairs[string, bool](t, database, `SELECT key_id, TRUE FROM commits`); len(commits) != 0 {
		t.Errorf("%d keys are not committed", len(commits))
	}
	imports = pairs[string, int64](t, database, `SELECT key_id, begun_at FROM imports`)
	exports := pairs[string, int64](t, database, `SELECT id, begun_at FROM exports WHERE state = 'begun'`)
	for what, begun := range map[string]map[string]int64{"import of": imports, "export": exports} {
		for id, at := range begun {
			if age := time.Since(time.UnixMilli(at)); !config.IsURL(database) || age > longestAct {
				t.Errorf("the %s %s has no end after %v", what, id, age)
			}
		}
	}
	return imports
}

// pairs returns what a query of two columns finds in a database, past the program.
func pairs[K comparable, V any](t *testing.T, place, query string) map[K]V {
	t.Helper()
	driver, name := "sqlite3", "file:"+place+"?mode=ro&_busy_timeout=10000"
	if config.IsURL(place) {
		driver, name = "pgx", place
	}
	db, err := sql.Open(driver, name)
	must(t, err)
	defer db.Close()
	rows, err := db.Query(query)
	must(t, err)
	defer rows.Close()
	found := map[K]V{}
	for rows.Next() {
		var key K
		var value V
		must(t, rows.Scan(&key, &value))
		found[key] = value
	}
	must(t, rows.Err())
	return found
}
