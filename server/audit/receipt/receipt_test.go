package receipt

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"keyferry/server/audit"
	"keyferry/server/audit/merkle"
)

// memory is a log in memory.
type memory struct {
	tree   merkle.Tree
	hashes map[int64]merkle.Hash
}

func (m *memory) Tree(context.Context) (merkle.Tree, error) { return m.tree, nil }

func (m *memory) Hashes(_ context.Context, positions []int64) ([]merkle.Hash, error) {
	var list []merkle.Hash
	for _, p := range positions {
		list = append(list, m.hashes[p])
	}
	return list, nil
}

func (m *memory) Entries(context.Context, int64, int) ([]merkle.Entry, error) {
	return nil, errors.New("not needed here")
}

func (m *memory) append(entry []byte) {
	leaf := merkle.LeafHash(entry)
	m.hashes[tlog.StoredHashIndex(0, m.tree.Size())] = leaf
	for _, node := range m.tree.Append(leaf) {
		m.hashes[node.Position] = node.Hash
	}
}

func signerOf(t testing.TB, origin string, seed byte) (*merkle.Signer, note.Verifier) {
	t.Helper()
	signer, err := merkle.NewSigner(origin, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewVerifier(signer.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	return signer, key
}

const origin = "keyferry/test/server"

// exported returns the receipt of an entry among others.
func exported(t *testing.T, entry audit.Entry) (Receipt, note.Verifier) {
	t.Helper()
	signer, key := signerOf(t, origin, 1)
	m := &memory{hashes: map[int64]merkle.Hash{}}
	text, err := entry.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		m.append([]byte(`{"kind":"request.refused"}`))
	}
	m.append(text)
	m.append([]byte(`{"kind":"request.refused"}`))
	proof, err := (merkle.Log{Store: m, Signer: signer}).ProveInclusion(context.Background(), 5)
	if err != nil {
		t.Fatal(err)
	}
	return Receipt{Entry: text, Proof: proof}, key
}

var sealedTo = sha256.Sum256([]byte("the client's key"))

func entry() audit.Entry {
	return audit.Entry{
		Kind: audit.ExportFinished, Outcome: audit.Released, Key: "key-1",
		Details: map[string]string{audit.EncryptionKeyHash: hex.EncodeToString(sealedTo[:])},
	}
}

func TestReceiptSurvivesAnAnswerThatWasPrintedAnew(t *testing.T) {
	r, key := exported(t, entry())
	text, err := json.MarshalIndent(r.JSON(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := again.Verify(key, Export{Key: "key-1", EncryptionKey: sealedTo})
	if err != nil || c.Size != 7 || c.Origin != origin {
		t.Errorf("%+v, %v", c, err)
	}
	if says, err := again.Says(); err != nil || says.Key != "key-1" {
		t.Errorf("%+v, %v", says, err)
	}
}

func TestReceiptOfAnotherExportIsRefused(t *testing.T) {
	void, begun := entry(), entry()
	void.Outcome, begun.Kind = audit.Void, audit.ExportBegun
	for name, one := range map[string]struct {
		entry audit.Entry
		of    Export
	}{
		"another key":           {entry(), Export{Key: "key-2", EncryptionKey: sealedTo}},
		"another's shares":      {entry(), Export{Key: "key-1", EncryptionKey: sha256.Sum256([]byte("another"))}},
		"nothing released":      {void, Export{Key: "key-1", EncryptionKey: sealedTo}},
		"a start, not an end":   {begun, Export{Key: "key-1", EncryptionKey: sealedTo}},
		"an entry about no key": {audit.Entry{Kind: audit.ExportFinished, Outcome: audit.Released}, Export{EncryptionKey: sealedTo}},
	} {
		r, key := exported(t, one.entry)
		if _, err := r.Verify(key, one.of); !errors.Is(err, ErrOther) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReceiptOfAnotherLogOrOfAnEditedEntryIsRefused(t *testing.T) {
	r, key := exported(t, entry())
	_, forger := signerOf(t, origin, 2)
	_, elsewhere := signerOf(t, "keyferry/other/server", 1)
	edited := r
	edited.Entry = bytes.Replace(r.Entry, []byte("key-1"), []byte("key-2"), 1)
	moved := r
	moved.Proof.Index--
	of := Export{EncryptionKey: sealedTo}
	for name, got := range map[string]error{
		"forged":    second(r.Verify(forger, of)),
		"elsewhere": second(r.Verify(elsewhere, of)),
		"edited":    second(edited.Verify(key, of)),
		"moved":     second(moved.Verify(key, of)),
		"none":      second(Receipt{}.Verify(key, of)),
	} {
		if !errors.Is(got, ErrReceipt) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestParseRefusesWhatIsNoReceipt(t *testing.T) {
	r, _ := exported(t, entry())
	good, err := json.Marshal(r.JSON())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":        "",
		"null":           "null",
		"a number":       "7",
		"no proof":       `{"index":5,"entry":"{}"}`,
		"another index":  strings.Replace(string(good), `"index":5`, `"index":4`, 1),
		"repeated":       strings.Replace(string(good), `{`, `{"index":5,`, 1),
		"longer than is": `{"entry":"` + strings.Repeat("x", maxReceipt) + `"}`,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrReceipt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
