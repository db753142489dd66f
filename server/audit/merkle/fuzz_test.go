package merkle

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// signedOf returns the log's checkpoint, signed.
func signedOf(f *testing.F, l Log) []byte {
	f.Helper()
	signed, err := l.Checkpoint(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return signed
}

func textOf(f *testing.F, of encoding.TextMarshaler) []byte {
	f.Helper()
	text, err := of.MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	return text
}

// FuzzInclusion holds that a proof has one spelling, and proves of a log's entries only
// that each is where it is.
func FuzzInclusion(f *testing.F) {
	l, m, key := logOf(f, 5)
	for i := range m.entries {
		p, err := l.ProveInclusion(f.Context(), int64(i))
		if err != nil {
			f.Fatal(err)
		}
		text := textOf(f, p)
		f.Add(text)
		f.Add(bytes.Replace(text, []byte("=\n"), []byte("=\r\n"), 1))
		f.Add(bytes.Replace(text, []byte("index "), []byte("index 0"), 1))
	}
	f.Add([]byte(inclusionHeader + "index 0\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Inclusion
		if err := p.UnmarshalText(text); err != nil {
			if !errors.Is(err, ErrProof) || !reflect.DeepEqual(p, Inclusion{}) {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		}
		if again, err := p.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q is also %q, %v", text, again, err)
		}
		for i, entry := range m.entries {
			if _, err := p.Verify(entry.Canonical, key); err == nil && p.Index != int64(i) {
				t.Fatalf("%q proves entry %d", text, i)
			}
		}
		if _, err := p.Verify([]byte(`{"kind":"forged"}`), key); !errors.Is(err, ErrProof) && !errors.Is(err, ErrUnsigned) {
			t.Fatalf("%q proves what is not in the log: %v", text, err)
		}
	})
}

// FuzzConsistency holds that a proof has one spelling, and that no proof lets a log
// continue what it never was.
func FuzzConsistency(f *testing.F) {
	l, _, key := logOf(f, 5)
	for old := range int64(6) {
		p, err := l.ProveConsistency(f.Context(), old)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(textOf(f, p))
	}
	other, _, _ := logOf(f, 0)
	foreign := checkpointOf(f, other, key)
	f.Fuzz(func(t *testing.T, text []byte) {
		var p Consistency
		if err := p.UnmarshalText(text); err != nil {
			if !errors.Is(err, ErrProof) || !reflect.DeepEqual(p, Consistency{}) {
				t.Fatalf("%+v, %v", p, err)
			}
			return
		}
		if again, err := p.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%q is also %q, %v", text, again, err)
		}
		if foreign.Size = p.Old; p.Old > 0 {
			if _, err := p.Verify(foreign, key); err == nil {
				t.Fatalf("%q continues another log", text)
			}
		}
	})
}

// FuzzOpen holds that a checkpoint which opens says what the log signed, whoever else
// signed it too.
func FuzzOpen(f *testing.F) {
	honest := map[Checkpoint]bool{}
	var key note.Verifier
	for n := range 3 {
		l, _, verifier := logOf(f, n)
		key = verifier
		honest[checkpointOf(f, l, key)] = true
		signed := signedOf(f, l)
		f.Add(signed)
		f.Add(append(signed, "— witness.example AAAAAAAA\n"...))
		f.Add(bytes.Replace(signed, []byte(origin+"\n"), []byte(origin+"\n0"), 1))
	}
	if len(honest) != 3 {
		f.Fatalf("%d checkpoints", len(honest))
	}
	f.Fuzz(func(t *testing.T, signed []byte) {
		c, err := Open(signed, key)
		if err != nil {
			if !errors.Is(err, ErrUnsigned) || c != (Checkpoint{}) {
				t.Fatalf("%+v, %v", c, err)
			}
			return
		}
		if !honest[c] || !bytes.HasPrefix(signed, []byte(c.text()+"\n")) {
			t.Fatalf("%q opens as %+v", signed, c)
		}
	})
}

// FuzzArchive holds that only what the log has written verifies, to the byte, and that
// what is read of a file before it verifies is not something else.
func FuzzArchive(f *testing.F) {
	honest := map[string]bool{}
	var key note.Verifier
	for n := range 4 {
		l, _, verifier := logOf(f, n)
		key = verifier
		archive := archiveOf(f, l)
		honest[string(archive)] = true
		f.Add(archive)
		f.Add(append(archive, archive...))
		f.Add(bytes.ReplaceAll(archive, []byte(`\n`), []byte(`\u000a`)))
		f.Add(bytes.ReplaceAll(archive, []byte(`":`), []byte(`": `)))
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		c, err := Verifier{Key: key, Each: func(_ int64, entry []byte) error {
			if !json.Valid(entry) {
				t.Fatalf("the entry %q is no JSON", entry)
			}
			return nil
		}}.Verify(bytes.NewReader(archive))
		if (err == nil) != honest[string(archive)] {
			t.Fatalf("%q: %v", archive, err)
		}
		if err != nil {
			return
		}
		signed, origin, err := CheckpointIn(bytes.NewReader(archive))
		if err != nil || origin != c.Origin {
			t.Fatalf("%q is said to be of %q: %v", archive, origin, err)
		}
		if same, err := Open(signed, key); err != nil || same != c {
			t.Fatalf("%q ends with %+v: %v", archive, same, err)
		}
	})
}

// FuzzParseTree holds that a tree is stored in one way, and grows from there.
func FuzzParseTree(f *testing.F) {
	for n := range 4 {
		_, m, _ := logOf(f, n)
		f.Add(m.tree.Size(), m.tree.Edge())
	}
	f.Add(int64(-1), bytes.Repeat([]byte{1}, 64*32))
	f.Add(int64(1)<<62, bytes.Repeat([]byte{1}, 32))
	f.Fuzz(func(t *testing.T, size int64, edge []byte) {
		tree, err := ParseTree(size, edge)
		if err != nil {
			return
		}
		if tree.Size() != size || !bytes.Equal(tree.Edge(), edge) {
			t.Fatalf("%d, %x is also %d, %x", size, edge, tree.Size(), tree.Edge())
		}
		before := tree.Root()
		if tree.Append(LeafHash(nil)); tree.Root() == before || tree.Size() != size+1 {
			t.Fatal("it has not grown")
		}
	})
}
