//go:build linux && cgo

package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"os"
	"testing"
	"time"

	"keyferry/server/audit/merkle"

	signednote "golang.org/x/mod/sumdb/note"
)

// These tests look at work and not at time: at what is read, for the same acts, in a
// small database and in one of ten times the size.
const (
	small = 1_000
	large = 10 * small
)

// timesDone is how often an act is done to be counted. Which keys it is done to is left
// to chance, and does not matter.
const timesDone = 20

func TestFilledDatabaseIsConsistent(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			f := newFilled(t, e, small)
			for _, a := range acts() {
				need(t, a.once(f))
			}
			key, err := signednote.NewVerifier(f.log.Signer.VerifierKey())
			need(t, err)
			var archive bytes.Buffer
			_, err = f.log.Archive(context.Background(), &archive)
			need(t, err)
			c, err := merkle.Verifier{Key: key}.Verify(&archive)
			need(t, err)
			// Three of the account, one a key, two an export; and three of the acts.
			if want := int64(3 + small + 2*small/keysPerExport + 3); c.Size != want {
				t.Errorf("the log has %d entries in place of %d", c.Size, want)
			}
			for _, orphans := range []string{
				`SELECT COUNT(*) FROM holders WHERE key_id NOT IN (SELECT id FROM keys)`,
				`SELECT COUNT(*) FROM exports WHERE key_id NOT IN (SELECT id FROM keys WHERE exported_at IS NOT NULL)`,
				`SELECT COUNT(*) FROM keys WHERE exported_at IS NOT NULL AND id NOT IN (SELECT key_id FROM exports)`,
			} {
				if n := f.count(t, orphans); n != 0 {
					t.Errorf("%d from %s", n, orphans)
				}
			}
		})
	}
}

func (a act) once(f *filled) (err error) {
	var prepared []string
	if a.prepare != nil {
		if prepared, err = a.prepare(f); err != nil {
			return err
		}
	}
	return a.do(f, prepared)
}

func (f *filled) count(t *testing.T, query string) (n int64) {
	t.Helper()
	need(t, f.past.QueryRow(query).Scan(&n))
	return n
}

// reopen has the store opened anew, so that it has nothing in its caches.
func (f *filled) reopen(t *testing.T) {
	t.Helper()
	need(t, f.Close()) // no error if it is closed already
	f.Server = f.engine.open(t, f.folder)
	f.log.Store = f.Server
}

// A look-up goes down a tree that grows by a level for every hundredfold of rows or so;
// what reads a table from end to end reads ten times as much of the large one.
func TestActsReadFewPagesOfSQLiteHoweverManyKeysThereAre(t *testing.T) {
	// A table's or index's way down has at most 4 pages here, and no act takes more than
	// 16 such ways. The whole table of keys has 600 pages.
	const most = timesDone * 16 * 4 * 4096
	f := newFilled(t, sqliteEngine(), large)
	for _, a := range acts() {
		f.reopen(t)
		need(t, a.once(f)) // connections are made
		before := bytesRead(t)
		for range timesDone {
			need(t, a.once(f))
		}
		if read := bytesRead(t) - before; read > most {
			t.Errorf("%s: %d bytes were read with %d keys, and %d are too many", a.name, read, large, most)
		}
	}
}

// bytesRead is what this process has read so far by system calls (proc(5),
// /proc/pid/io, rchar).
func bytesRead(t *testing.T) (n int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	need(t, err)
	_, err = fmt.Sscanf(string(text), "rchar: %d", &n)
	need(t, err)
	return n
}

func TestActsReadFewRowsOfPostgresHoweverManyKeysThereAre(t *testing.T) {
	few, many := rowsOfActs(t, small), rowsOfActs(t, large)
	for name, n := range many {
		if n > 2*few[name]+timesDone {
			t.Errorf("%s: %d rows were read with %d keys, %d with %d", name, few[name], small, n, large)
		}
	}
}

// rowsOfActs returns how many rows each act reads, done a few times.
func rowsOfActs(t *testing.T, keys int) map[string]int64 {
	t.Helper()
	f, read := newFilled(t, postgresEngine(), keys), map[string]int64{}
	before := f.rowsRead(t)
	for _, a := range acts() {
		f.reopen(t)
		for range timesDone {
			need(t, a.once(f))
		}
		after := f.rowsRead(t)
		read[a.name], before = after-before, after
		if read[a.name] < timesDone {
			t.Errorf("%s: %d rows cannot be all", a.name, read[a.name])
		}
	}
	return read
}

// rowsRead closes the store, and returns how many rows and index entries PostgreSQL has
// read of the database so far: sessions say so when they end. No other store is open.
func (f *filled) rowsRead(t *testing.T) int64 {
	t.Helper()
	need(t, f.Close())
	const sessions = `SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'keyferry'`
	for deadline := time.Now().Add(30 * time.Second); f.count(t, sessions) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a closed store still has sessions")
		}
	}
	return f.count(t, `SELECT
		(SELECT SUM(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = current_schema()) +
		(SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = current_schema())`)
}

func TestProofsReadTwoHashesALevelAtMost(t *testing.T) {
	for _, e := range engines() {
		f := newFilled(t, e, small)
		counting := &countingLog{Store: f.Server}
		f.log.Store = counting
		tree, err := f.Tree(context.Background())
		need(t, err)
		levels := bits.Len64(uint64(tree.Size()))
		for _, index := range []int64{0, 1, tree.Size() / 2, tree.Size() - 1} {
			counting.read = 0
			_, err := f.log.ProveInclusion(context.Background(), index)
			need(t, err)
			if counting.read == 0 || counting.read > 2*levels {
				t.Errorf("%s: %d hashes for entry %d of %d, which has %d levels", e.name, counting.read, index, tree.Size(), levels)
			}
		}
		need(t, f.Close())
	}
}

// countingLog counts the hashes that are read.
type countingLog struct {
	merkle.Store
	read int
}

func (c *countingLog) Hashes(ctx context.Context, positions []int64) ([]merkle.Hash, error) {
	c.read += len(positions)
	return c.Store.Hashes(ctx, positions)
}
