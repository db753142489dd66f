// Package merkle makes a log provable: whoever holds one signed checkpoint of it can
// be shown that an entry is in it, and that a later state of it has everything that was
// there before, unchanged and in the same order.
//
//	tree.go         the growing end of the tree: what appending needs, and no more
//	growth.go       what is appended at once: proofs from what appending knows
//	checkpoint.go   signed tree heads (C2SP tlog-checkpoint, signed-note with Ed25519)
//	proof.go        proofs of inclusion (C2SP tlog-proof) and of consistency
//	log.go          a stored log: checkpoints, proofs and archives of it
//	archive.go      the log as a file, written
//	origin.go       whose an archive says it is
//	verify.go       and verified, with nothing but the file and the log's public key
//
// Hashes are those of RFC 6962 §2.1. The positions under which interior nodes are
// stored are those of golang.org/x/mod/sumdb/tlog, which computes the proofs. Entries
// are any JSON texts of one line; what they mean is not looked at here.
//
// Nothing here is secret but a signer's key, and nothing runs in constant time.
package merkle

import (
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is 32 bytes: of a leaf SHA-256(0x00 || entry), of a node
// SHA-256(0x01 || left || right), as in RFC 6962 §2.1.
type Hash = tlog.Hash

// LeafHash returns the hash of the leaf that an entry is.
func LeafHash(entry []byte) Hash { return tlog.RecordHash(entry) }

// Tree is the growing end of a tree: its size, and the roots of the complete subtrees
// that it consists of, the largest first. There is one for each bit that is set in the
// size, 63 at most. The zero value is the empty tree.
type Tree struct {
	size int64
	edge []Hash
}

// Node is an interior node that became complete. It never changes.
type Node struct {
	Position int64 // tlog.StoredHashIndex of its level and number
	Hash     Hash
}

// ParseTree is the inverse of Size and Edge. It refuses an edge that is not as long as
// the size demands.
func ParseTree(size int64, edge []byte) (Tree, error) {
	if size < 0 || len(edge) != bits.OnesCount64(uint64(size))*tlog.HashSize {
		return Tree{}, fmt.Errorf("a tree of %d entries does not have %d bytes of subtrees", size, len(edge))
	}
	t := Tree{size: size}
	for ; len(edge) > 0; edge = edge[tlog.HashSize:] {
		t.edge = append(t.edge, Hash(edge[:tlog.HashSize]))
	}
	return t, nil
}

// Append adds a leaf and returns the interior nodes that are complete with it, from the
// lowest up.
func (t *Tree) Append(leaf Hash) []Node {
	var complete []Node
	subtree, number, level := leaf, t.size, 0
	// A subtree that is a right child joins with its left sibling, the last on the edge.
	for ; number&1 == 1; number >>= 1 {
		last := len(t.edge) - 1
		subtree = tlog.NodeHash(t.edge[last], subtree)
		t.edge = t.edge[:last]
		level++
		complete = append(complete, Node{Position: tlog.StoredHashIndex(level, number>>1), Hash: subtree})
	}
	t.edge = append(t.edge, subtree)
	t.size++
	return complete
}

// Size returns how many entries the tree has.
func (t Tree) Size() int64 { return t.size }

// Edge returns the subtrees' roots, 32 bytes each, the largest subtree first.
func (t Tree) Edge() []byte {
	edge := make([]byte, 0, len(t.edge)*tlog.HashSize)
	for _, hash := range t.edge {
		edge = append(edge, hash[:]...)
	}
	return edge
}

// Root returns the hash of the whole tree; that of the empty one is SHA-256 of
// nothing.
func (t Tree) Root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	last := len(t.edge) - 1
	root := t.edge[last]
	for i := last - 1; i >= 0; i-- {
		root = tlog.NodeHash(t.edge[i], root)
	}
	return root
}
