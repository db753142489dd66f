//go:build cgo

package torture

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/audit/compare"
)

// check looks at everything that is left when the processes have started again: the
// server's record, the signers' own, what was begun and has no end, and the shares.
func (c *cluster) check(t *testing.T, auditor *auditor) {
	t.Helper()
	c.settles(t)
	entries := auditor.visit(t)
	caller := c.client(t)
	defer caller.Close()
	keys := read(t, entries).checkKeys(t, caller, c.told)
	c.compareRecords(t, entries)

	for n := range clusterSigners {
		if shares := c.shares(t, n); !maps.Equal(shares, keys) {
			t.Errorf("signer %d has shares (true: committed) of %v, and the server has keys %v", n+1, shares, keys)
		}
	}
}

// settles waits for what the server makes up for with its signers: when it starts, and
// again every minute if one was too slow to answer.
func (c *cluster) settles(t *testing.T) {
	t.Helper()
	server := openDatabase(t, filepath.Join(c.dir, "state", "data", "server.db"))
	defer server.Close()
	var imports, commits, exports int
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		must(t, server.QueryRow(`SELECT
			(SELECT count(*) FROM imports), (SELECT count(*) FROM commits),
			(SELECT count(*) FROM exports WHERE state = 'begun')`).Scan(&imports, &commits, &exports))
		if imports+commits+exports == 0 {
			return
		}
	}
	t.Errorf("%d imports and %d exports have no end, and %d keys wait for their signers", imports, exports, commits)
}

// compareRecords has the product compare the server's log with the signers' own. These
// are read as they lie in the signers' stores.
func (c *cluster) compareRecords(t *testing.T, entries []audit.Entry) {
	t.Helper()
	comparison := compare.New()
	for i, entry := range entries {
		text, err := json.Marshal(entry)
		must(t, err)
		must(t, comparison.AddServer(int64(i), text))
	}
	for n := range clusterSigners {
		add, err := comparison.AddSigner(c.SignerID(n).String())
		must(t, err)
		c.eachRow(t, n, `SELECT seq, entry FROM audit_log ORDER BY seq`, func(rows *sql.Rows) error {
			var index int64
			var text []byte
			if err := rows.Scan(&index, &text); err != nil {
				return err
			}
			return add(index, text)
		})
	}
	for _, difference := range comparison.Differences() {
		t.Errorf("the logs differ: %+v", difference)
	}
	if comparison.Newer != 0 {
		t.Errorf("signers released %d shares of which the server has no record", comparison.Newer)
	}
}

// shares returns the keys that a signer has shares of, and whether they are committed.
func (c *cluster) shares(t *testing.T, n int) map[string]bool {
	t.Helper()
	shares := map[string]bool{}
	c.eachRow(t, n, `SELECT key_id, committed FROM shares`, func(rows *sql.Rows) error {
		var key string
		var committed bool
		err := rows.Scan(&key, &committed)
		shares[key] = committed
		return err
	})
	return shares
}

// eachRow reads a signer's store beside the signer.
func (c *cluster) eachRow(t *testing.T, n int, query string, take func(*sql.Rows) error) {
	t.Helper()
	store := openDatabase(t, filepath.Join(c.dir, fmt.Sprintf("signer-%d", n+1), "data", "signer.db"))
	defer store.Close()
	rows, err := store.Query(query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		must(t, take(rows))
	}
	must(t, rows.Err())
}

func openDatabase(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro&_busy_timeout=10000")
	must(t, err)
	return db
}
