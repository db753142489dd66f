package merkle

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

func TestWhatIsAppendedIsProvenWithoutALook(t *testing.T) {
	for before := range 34 {
		for added := range 18 {
			l, m, key := logOf(t, before)
			growth := m.tree.Grow()
			for i := range added {
				m.append(fmt.Sprintf(`{"added":%d}`, i))
				growth.Append(LeafHash(m.entries[before+i].Canonical))
			}
			for index := range int64(before + added) {
				p, err := l.ProveAppended(growth, index)
				if index < int64(before) {
					if !errors.Is(err, ErrNoEntry) {
						t.Errorf("%d of %d and %d: %v", index, before, added, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				c, err := p.Verify(m.entries[index].Canonical, key)
				if err != nil || c.Size != int64(before+added) || c.Root != m.tree.Root() {
					t.Fatalf("%d of %d and %d: %+v, %v", index, before, added, c, err)
				}
			}
			if _, err := l.ProveAppended(growth, int64(before+added)); !errors.Is(err, ErrNoEntry) {
				t.Errorf("behind %d and %d: %v", before, added, err)
			}
		}
	}
}

func TestEntriesThatGrewTogetherShareACheckpoint(t *testing.T) {
	l, m, key := logOf(t, 21)
	growth := m.tree.Grow()
	for i := range 5 {
		m.append(fmt.Sprintf(`{"added":%d}`, i))
		growth.Append(LeafHash(m.entries[21+i].Canonical))
	}
	proofs := make([]Inclusion, 5)
	var proving sync.WaitGroup
	for i := range proofs {
		proving.Go(func() {
			var err error
			if proofs[i], err = l.ProveAppended(growth, int64(21+i)); err != nil {
				t.Error(err)
			}
		})
	}
	proving.Wait()
	for i, p := range proofs {
		if _, err := p.Verify(m.entries[21+i].Canonical, key); err != nil {
			t.Fatalf("entry %d: %v", 21+i, err)
		}
		if &p.Checkpoint[0] != &proofs[0].Checkpoint[0] {
			t.Errorf("entry %d has a checkpoint of its own", 21+i)
		}
	}
}

func TestGrowthLeavesTheTreeAsItIs(t *testing.T) {
	_, m, _ := logOf(t, 21)
	size, root := m.tree.Size(), m.tree.Root()
	growth := m.tree.Grow()
	for range 11 {
		growth.Append(LeafHash([]byte(`{}`)))
	}
	if m.tree.Size() != size || m.tree.Root() != root || growth.Tree().Size() != size+11 {
		t.Errorf("%d entries, and %d", m.tree.Size(), growth.Tree().Size())
	}
}
