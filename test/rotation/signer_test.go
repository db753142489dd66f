//go:build cgo

package rotation

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"keyferry/server/client"
	"keyferry/server/sandbox"
	"keyferry/shares"
	"keyferry/shares/locked"
	"keyferry/test/asprogram"
)

// signer is the first of a cluster of six processes.
type signer struct {
	*sandbox.Cluster
	dir string
}

func startSigner(t *testing.T) *signer {
	t.Helper()
	s := &signer{dir: t.TempDir()}
	s.Cluster = asprogram.NewCluster(t, s.dir)
	must(t, s.Start(context.Background()))
	return s
}

func (s *signer) at(part string) string { return filepath.Join(s.dir, "signer-1", part) }

func (s *signer) client(t *testing.T) *client.Client {
	t.Helper()
	made, err := s.Client()
	must(t, err)
	return made
}

// ingest brings the signer its shares of so many keys. Nobody commits them: what is at rest
// is at rest, and this signer's are enough for what is to be seen.
func (s *signer) ingest(t *testing.T, keys int) {
	t.Helper()
	settings, err := os.ReadFile(s.at("signer.yaml"))
	must(t, err)
	org := regexp.MustCompile(`or-[a-z0-9-]+`).FindString(string(settings))
	path := filepath.Join(t.TempDir(), "shares")
	file, err := os.Create(path)
	must(t, err)
	out := bufio.NewWriter(file)
	for range keys {
		must(t, writeShare(out, org))
	}
	must(t, out.Flush())
	must(t, file.Close())
	s.run(t, "signer", "ingest", path, "--organisation", org, "--receipts", path+".receipts")
}

// writeShare deals a random key and writes the first of five shares.
func writeShare(out *bufio.Writer, org string) error {
	secret, err := locked.New(32)
	if err != nil {
		return err
	}
	defer secret.Destroy()
	rand.Read(secret.Bytes()[1:]) // below the order
	scheme := shares.Schemes()[0]
	dealing, err := shares.Split(scheme.Curve(), secret, 3, 5)
	if err != nil {
		return err
	}
	defer dealing.Destroy()
	var public []string
	for _, point := range dealing.Public {
		public = append(public, point.Hex())
	}
	return json.NewEncoder(out).Encode(map[string]any{
		"version": 1, "organisation": org, "protocol": scheme.Protocol(), "curve": scheme.Curve().Name(), "minSigners": 3,
		"index": 1, "secretShare": fmt.Sprintf("%x", dealing.Shares[0].Secret.Bytes()), "publicShares": public,
	})
}

// expect compares what the signer's operator is told of the keys, and returns the current
// one. Keys on the token are compared if they are given: one that was being made when a
// rotation was killed may be there until the end.
func (s *signer) expect(t *testing.T, stage string, other int, onToken ...int) (current int) {
	t.Helper()
	var got []struct {
		WrappingKey int    `json:"wrappingKey"`
		OtherKey    int    `json:"otherKey"`
		Stage       string `json:"stage"`
		KeysOnToken []int  `json:"keysOnToken"`
	}
	must(t, json.Unmarshal([]byte(s.run(t, "signer", "status", "--json")), &got))
	if len(got) != 1 || got[0].WrappingKey < 2 || got[0].OtherKey != other || got[0].Stage != stage ||
		onToken != nil && !slices.Equal(got[0].KeysOnToken, onToken) {
		t.Fatalf("the signer's keys: %+v; not v%d, %s, %v", got, other, stage, onToken)
	}
	return got[0].WrappingKey
}

// expectAllUnder looks at the rows, and has every share opened and checked.
func (s *signer) expectAllUnder(t *testing.T, key, count int) {
	t.Helper()
	var got []struct {
		Intact, Damaged int
		Seconds         float64
	}
	must(t, json.Unmarshal([]byte(s.run(t, "signer", "verify", "--json")), &got))
	if len(got) != 1 || got[0].Intact != count || got[0].Damaged != 0 {
		t.Errorf("verified: %+v, and there should be %d shares", got, count)
	}
	if under := s.byKey(t); len(under) != 1 || under[key] != count {
		t.Errorf("shares by key: %v; all %d should be under v%d", under, count, key)
	}
	t.Logf("%d shares verified in %v s", got[0].Intact, got[0].Seconds)
}

// byKey counts the rows that name each share-wrapping key.
func (s *signer) byKey(t *testing.T) map[int]int {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+s.at("data/signer.db")+"?mode=ro&_busy_timeout=10000")
	must(t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT wrapping_key, count(*) FROM shares GROUP BY wrapping_key`)
	must(t, err)
	defer rows.Close()
	counts := map[int]int{}
	for rows.Next() {
		var key, n int
		must(t, rows.Scan(&key, &n))
		counts[key] = n
	}
	must(t, rows.Err())
	return counts
}
