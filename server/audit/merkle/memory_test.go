package merkle

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// memory keeps a log in memory.
type memory struct {
	tree    Tree
	entries []Entry
	hashes  map[int64]Hash
}

func (m *memory) append(canonical string) {
	leaf := LeafHash([]byte(canonical))
	index := m.tree.Size()
	m.entries = append(m.entries, Entry{Index: index, Canonical: []byte(canonical), LeafHash: leaf[:]})
	m.hashes[tlog.StoredHashIndex(0, index)] = leaf
	for _, node := range m.tree.Append(leaf) {
		m.hashes[node.Position] = node.Hash
	}
}

func (m *memory) Tree(context.Context) (Tree, error) { return m.tree, nil }

func (m *memory) Hashes(_ context.Context, positions []int64) ([]Hash, error) {
	var hashes []Hash
	for _, position := range positions {
		hash, ok := m.hashes[position]
		if !ok {
			return nil, fmt.Errorf("no hash at %d", position)
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func (m *memory) Entries(_ context.Context, from int64, limit int) ([]Entry, error) {
	return m.entries[from:min(int(from)+limit, len(m.entries))], nil
}

const origin = "keyferry/test/server"

func newSigner(t testing.TB, seed byte) *Signer {
	t.Helper()
	s, err := NewSigner(origin, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifierOf(t testing.TB, s *Signer) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// logOf returns a log with n different entries.
func logOf(t testing.TB, n int) (Log, *memory, note.Verifier) {
	t.Helper()
	signer := newSigner(t, 1)
	m := &memory{hashes: map[int64]Hash{}}
	for i := range n {
		m.append(fmt.Sprintf(`{"kind":"export.begun","key":"key-%d","time":%d}`, i%7, i))
	}
	return Log{Store: m, Signer: signer}, m, verifierOf(t, signer)
}

func archiveOf(t testing.TB, l Log) []byte {
	t.Helper()
	var archive bytes.Buffer
	if _, err := l.Archive(context.Background(), &archive); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// checkpointOf returns the log's checkpoint as an auditor keeps it.
func checkpointOf(t testing.TB, l Log, key note.Verifier) Checkpoint {
	t.Helper()
	signed, err := l.Checkpoint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(signed, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
