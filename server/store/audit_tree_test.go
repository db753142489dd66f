package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"

	signednote "golang.org/x/mod/sumdb/note"
)

// provable returns the server's audit log with a key to sign it, and that key's public
// half.
func provable(t *testing.T, s *Server) (merkle.Log, signednote.Verifier) {
	t.Helper()
	signer, err := merkle.NewSigner(merkle.Origin("test", "server"), ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signednote.NewVerifier(signer.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	return merkle.Log{Store: s, Signer: signer}, key
}

// verifiedArchive exports the log and verifies it with no help of the database.
func verifiedArchive(t *testing.T, s *Server, kept ...merkle.Checkpoint) merkle.Checkpoint {
	t.Helper()
	log, key := provable(t, s)
	var archive bytes.Buffer
	if _, err := log.Archive(context.Background(), &archive); err != nil {
		t.Fatal(err)
	}
	c, err := merkle.Verifier{Key: key, Kept: kept}.Verify(&archive)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func appendSome(t *testing.T, s *Server, n int) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := s.Append(context.Background(), audit.Entry{Kind: audit.RequestRefused, Request: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestStoredLogProvesEveryEntryAndItsGrowth(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		log, key := provable(t, s)
		ctx := context.Background()
		var kept []merkle.Checkpoint
		for _, more := range []int{0, 1, 30, 100, 9} {
			appendSome(t, s, more)
			kept = append(kept, verifiedArchive(t, s, kept...))
		}
		entries, err := s.Entries(ctx, 0, 1000)
		if err != nil || len(entries) != 140 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for _, one := range entries {
			p, err := log.ProveInclusion(ctx, one.Index)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := p.Verify(one.Canonical, key); err != nil || c != kept[len(kept)-1] {
				t.Errorf("entry %d: %v", one.Index, err)
			}
		}
		for _, old := range kept {
			p, err := log.ProveConsistency(ctx, old.Size)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := p.Verify(old, key); err != nil || now != kept[len(kept)-1] {
				t.Errorf("from %d: %v", old.Size, err)
			}
		}
	})
}

func TestEditedDatabaseDoesNotVerify(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		for _, edit := range []string{
			`UPDATE audit_log SET entry = (SELECT entry FROM audit_log WHERE seq = 3) WHERE seq = 7`,
			`UPDATE audit_log SET entry = (SELECT entry FROM audit_log WHERE seq = 3), leaf_hash = (SELECT leaf_hash FROM audit_log WHERE seq = 3) WHERE seq = 7`,
			`UPDATE audit_log SET seq = seq + 1000 WHERE seq = 7`,
			`DELETE FROM audit_log WHERE seq = 7`,
			`DELETE FROM audit_log WHERE seq = 19`,
		} {
			s := e.server(t, t.TempDir())
			appendSome(t, s, 20)
			execute(t, s.database, edit)
			log, key := provable(t, s)
			var archive bytes.Buffer
			if _, err := log.Archive(context.Background(), &archive); err != nil {
				continue // it says so itself
			}
			if _, err := (merkle.Verifier{Key: key}).Verify(&archive); !errors.Is(err, merkle.ErrEdited) {
				t.Errorf("%s: got %v", edit, err)
			}
		}
	})
}

func TestMissingHashIsAnError(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		s := e.server(t, t.TempDir())
		appendSome(t, s, 20)
		log, _ := provable(t, s)
		execute(t, s.database, `DELETE FROM audit_nodes`)
		if _, err := log.ProveInclusion(context.Background(), 5); err == nil {
			t.Error("proven without hashes")
		}
		execute(t, s.database, `UPDATE audit_state SET edge = $1`, []byte{1, 2, 3})
		if _, err := log.Checkpoint(context.Background()); err == nil {
			t.Error("signed without a tree")
		}
		if err := s.Append(context.Background(), entry(audit.RequestRefused)); err == nil {
			t.Error("appended without a tree")
		}
	})
}

func TestProofsNeedFewRowsHoweverLongTheLogIs(t *testing.T) {
	s := sqliteServer(t, t.TempDir())
	appendSome(t, s, 300)
	counting := &countingStore{Store: s}
	log, _ := provable(t, s)
	log.Store = counting
	for _, index := range []int64{0, 150, 299} {
		if _, err := log.ProveInclusion(context.Background(), index); err != nil {
			t.Fatal(err)
		}
	}
	if counting.most > 2*9 { // two for each level
		t.Errorf("%d hashes were read for one proof", counting.most)
	}
}

type countingStore struct {
	merkle.Store
	most int
}

func (c *countingStore) Hashes(ctx context.Context, positions []int64) ([]merkle.Hash, error) {
	c.most = max(c.most, len(positions))
	return c.Store.Hashes(ctx, positions)
}

// What an export's caller is given: proofs that its commit made, of exports that end side
// by side in two processes. The log continues all of them.
func TestFinishedExportsAreProvenByTheirCommits(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, e engine) {
		folder := t.TempDir()
		o := officeIn(t, e.server(t, folder))
		processes := []*Server{o.Server, e.server(t, folder)}
		ecdsa, _ := schemes(t)
		key := o.importKey(ecdsa, point(t, ecdsa.Curve(), 1))
		log, verifier := provable(t, o.Server)
		var mu sync.Mutex
		var kept []merkle.Checkpoint
		var all sync.WaitGroup
		for n := range 40 {
			export := o.begin(key)
			all.Go(func() {
				place, err := processes[n%2].FinishExport(context.Background(), export, audit.Released, entry(audit.ExportFinished))
				if err != nil {
					t.Error(err)
					return
				}
				proof, err := log.ProveAppended(place.Log, place.Index)
				if err != nil {
					t.Error(err)
					return
				}
				c, err := proof.Verify(place.Entry, verifier)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				kept = append(kept, c)
			})
		}
		all.Wait()
		verifiedArchive(t, o.Server, kept...)
	})
}
