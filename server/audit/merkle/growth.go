package merkle

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Growth is a tree that entries are being appended to, with all that it takes to prove
// their places: what of the tree lies to their left is complete subtrees of its edge, and
// what lies to their right is appended too. It needs no stored hash.
//
// Once a place is proven nothing more is appended. From then on it is safe for concurrent
// use.
type Growth struct {
	tree  Tree
	from  int64          // the index of the first entry that is appended
	known map[int64]Hash // under their positions: the former edge, and what was added

	signing sync.Once
	signed  []byte // the tree's checkpoint, one for all whose places it proves
	err     error  // of signing it
}

// Grow begins to append to a tree, which itself stays as it is.
func (t Tree) Grow() *Growth {
	g := &Growth{tree: Tree{size: t.size, edge: slices.Clone(t.edge)}, from: t.size, known: map[int64]Hash{}}
	left := int64(0) // how many leaves are left of a subtree
	for _, hash := range t.edge {
		level := highestLevel(t.size - left)
		g.known[tlog.StoredHashIndex(level, left>>level)] = hash
		left += 1 << level
	}
	return g
}

// highestLevel is that of the largest complete subtree that so many leaves begin with.
func highestLevel(leaves int64) int { return bits.Len64(uint64(leaves)) - 1 }

// Append is [Tree.Append].
func (g *Growth) Append(leaf Hash) []Node {
	g.known[tlog.StoredHashIndex(0, g.tree.size)] = leaf
	complete := g.tree.Append(leaf)
	for _, node := range complete {
		g.known[node.Position] = node.Hash
	}
	return complete
}

// Tree returns the tree as it is now.
func (g *Growth) Tree() Tree { return g.tree }

// checkpoint signs the tree at the first call, and returns the same ever after.
func (g *Growth) checkpoint(by *Signer) ([]byte, error) {
	g.signing.Do(func() { g.signed, g.err = g.tree.Sign(by) })
	return g.signed, g.err
}

// path returns the hashes that lead from an appended entry to the root of the tree.
func (g *Growth) path(index int64) ([]Hash, error) {
	if index < g.from || index >= g.tree.size {
		return nil, ErrNoEntry
	}
	return tlog.ProveRecord(g.tree.size, index, tlog.HashReaderFunc(func(positions []int64) ([]Hash, error) {
		hashes := make([]Hash, len(positions))
		for i, position := range positions {
			hash, known := g.known[position]
			if !known {
				return nil, fmt.Errorf("the hash at position %d is not known", position)
			}
			hashes[i] = hash
		}
		return hashes, nil
	}))
}
