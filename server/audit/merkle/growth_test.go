package merkle

import (
	"errors"
	"fmt"
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
