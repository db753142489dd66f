package merkle

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// The tree is compared, entry by entry, with all that tlog says of it.
func TestTreeIsThatOfTlog(t *testing.T) {
	var tree Tree
	var stored []Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		var hashes []Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for n := range int64(300) {
		entry := fmt.Appendf(nil, "entry %d", n)
		want, err := tlog.StoredHashes(n, entry, reader)
		if err != nil {
			t.Fatal(err)
		}
		first := int64(len(stored))
		stored = append(stored, want...)
		nodes := tree.Append(LeafHash(entry))
		if len(nodes) != len(want)-1 {
			t.Fatalf("entry %d completes %d nodes, not %d", n, len(nodes), len(want)-1)
		}
		for i, node := range nodes {
			if node.Position != first+1+int64(i) || node.Hash != want[i+1] {
				t.Fatalf("entry %d: node %d is %v", n, i, node)
			}
		}
		if root, err := tlog.TreeHash(n+1, reader); err != nil || tree.Root() != root || tree.Size() != n+1 {
			t.Fatalf("%d entries have the root %v and not %v, %v", n+1, tree.Root(), root, err)
		}
	}
}

// The roots of Certificate Transparency's test data: github.com/google/certificate-transparency,
// merkletree/merkle_tree_test.cc (also in RFC 6962 implementations in other languages).
func TestRootsAreThoseOfCertificateTransparency(t *testing.T) {
	var tree Tree
	if got := hex.EncodeToString(rootOf(tree)); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("the empty tree has the root %s", got)
	}
	for i, c := range []struct{ leaf, root string }{
		{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
		{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
		{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
		{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	} {
		leaf, err := hex.DecodeString(c.leaf)
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(LeafHash(leaf))
		if got := hex.EncodeToString(rootOf(tree)); got != c.root {
			t.Errorf("%d entries have the root %s", i+1, got)
		}
	}
}

func rootOf(t Tree) []byte {
	root := t.Root()
	return root[:]
}

func TestTreeGoesOnFromItsEdge(t *testing.T) {
	var tree Tree
	for n := range int64(130) {
		again, err := ParseTree(tree.Size(), tree.Edge())
		if err != nil || again.Root() != tree.Root() {
			t.Fatalf("%d entries: %v", n, err)
		}
		leaf := LeafHash([]byte{byte(n)})
		again.Append(leaf)
		tree.Append(leaf)
		if again.Root() != tree.Root() || !bytes.Equal(again.Edge(), tree.Edge()) {
			t.Fatalf("%d entries: it goes on differently", n)
		}
	}
}

func TestParseTreeRefusesAnEdgeOfAnotherSize(t *testing.T) {
	for _, c := range []struct {
		size  int64
		bytes int
	}{{-1, 0}, {-1, 64 * 32}, {0, 32}, {1, 0}, {1, 31}, {1, 33}, {3, 32}, {4, 64}} {
		if _, err := ParseTree(c.size, make([]byte, c.bytes)); err == nil {
			t.Errorf("%d bytes were taken for %d entries", c.bytes, c.size)
		}
	}
}
