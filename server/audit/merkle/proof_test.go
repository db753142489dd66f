package merkle

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestEveryEntryIsProvenInEverySize(t *testing.T) {
	l, m, key := logOf(t, 0)
	for size := range int64(34) {
		for index := range size {
			p, err := l.ProveInclusion(context.Background(), index)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := p.Verify(m.entries[index].Canonical, key); err != nil || c.Size != size {
				t.Fatalf("entry %d of %d: %v", index, size, err)
			}
			if _, err := p.Verify([]byte(`{}`), key); !errors.Is(err, ErrProof) {
				t.Fatalf("another entry passes for %d of %d: %v", index, size, err)
			}
		}
		m.append(`{"time":` + strings.Repeat("1", int(size)+1) + `}`)
	}
}

func TestEveryGrowthIsProven(t *testing.T) {
	l, m, key := logOf(t, 0)
	var kept []Checkpoint
	for size := range int64(34) {
		kept = append(kept, checkpointOf(t, l, key))
		for old := range size + 1 {
			p, err := l.ProveConsistency(context.Background(), old)
			if err != nil {
				t.Fatal(err)
			}
			if now, err := p.Verify(kept[old], key); err != nil || now != kept[size] {
				t.Fatalf("%d to %d: %+v, %v", old, size, now, err)
			}
			forged := kept[old]
			forged.Root[0] ^= 1
			if _, err := p.Verify(forged, key); !errors.Is(err, ErrProof) {
				t.Fatalf("%d to %d: consistent with what never was: %v", old, size, err)
			}
		}
		m.append(`{"time":` + strings.Repeat("1", int(size)+1) + `}`)
	}
}

func TestThereIsNoProofOfWhatIsNotThere(t *testing.T) {
	l, _, _ := logOf(t, 5)
	for _, n := range []int64{-1, 5, 6, 1 << 62} {
		if _, err := l.ProveInclusion(context.Background(), n); !errors.Is(err, ErrNoEntry) {
			t.Errorf("entry %d: %v", n, err)
		}
	}
	for _, n := range []int64{-1, 6, 1 << 62} {
		if _, err := l.ProveConsistency(context.Background(), n); !errors.Is(err, ErrNoEntry) {
			t.Errorf("old size %d: %v", n, err)
		}
	}
}

func TestProofsComeBackFromTheirText(t *testing.T) {
	l, m, key := logOf(t, 21)
	for index := range int64(21) {
		p, err := l.ProveInclusion(context.Background(), index)
		if err != nil {
			t.Fatal(err)
		}
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again Inclusion
		if err := again.UnmarshalText(text); err != nil {
			t.Fatal(err)
		}
		if _, err := again.Verify(m.entries[index].Canonical, key); err != nil {
			t.Errorf("entry %d: %v in\n%s", index, err, text)
		}
		consistent, err := l.ProveConsistency(context.Background(), index)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = consistent.MarshalText(); err != nil {
			t.Fatal(err)
		}
		var back Consistency
		if err := back.UnmarshalText(text); err != nil || back.Old != index || !bytes.Equal(back.Checkpoint, consistent.Checkpoint) {
			t.Errorf("old size %d: %v in\n%s", index, err, text)
		}
	}
}

// The text's form is that of C2SP tlog-proof.
func TestInclusionIsWrittenAsATlogProof(t *testing.T) {
	l, m, _ := logOf(t, 2)
	p, err := l.ProveInclusion(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	want := "c2sp.org/tlog-proof@v1\nindex 1\n" + LeafHash(m.entries[0].Canonical).String() + "\n\n" + origin + "\n2\n" + m.tree.Root().String() + "\n\n— "
	if !strings.HasPrefix(string(text), want) {
		t.Errorf("written as\n%s\nin place of\n%s…", text, want)
	}
}

func TestAnyChangeOfAProofIsRefused(t *testing.T) {
	l, m, key := logOf(t, 21)
	p, err := l.ProveInclusion(context.Background(), 13)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	signature := bytes.LastIndex(text, []byte("— "))
	for i := range text[:signature] {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		var again Inclusion
		if err := again.UnmarshalText(changed); err != nil {
			continue
		}
		if _, err := again.Verify(m.entries[13].Canonical, key); err == nil {
			t.Errorf("byte %d can be changed:\n%s", i, changed)
		}
	}
}

func TestConsistencyIsAboutTheCheckpointThatWasKept(t *testing.T) {
	l, _, key := logOf(t, 9)
	kept := checkpointOf(t, l, key)
	p, err := l.ProveConsistency(context.Background(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(kept, key); !errors.Is(err, ErrProof) {
		t.Errorf("a proof for 5 entries passes for 9: %v", err)
	}
	shorter, _, _ := logOf(t, 7)
	if p, err = shorter.ProveConsistency(context.Background(), 7); err != nil {
		t.Fatal(err)
	}
	p.Old = 9
	if _, err := p.Verify(kept, key); !errors.Is(err, ErrProof) {
		t.Errorf("the log was cut: %v", err)
	}
}
