//go:build cgo

package node_test

import (
	"context"
	"errors"
	"testing"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/signer/node"
)

var errCrash = errors.New("the process ended here")

// fuse lets so many steps happen and then ends everything, before a step or after it.
type fuse struct {
	left  int
	after bool // the last step happens, and nobody learns of it
}

func (f *fuse) burn(do func() error) error {
	if f.left <= 0 {
		return errCrash
	}
	f.left--
	if f.left == 0 && !f.after {
		return errCrash
	}
	err := do()
	if f.left == 0 && err == nil {
		return errCrash
	}
	return err
}

// crashingToken and crashingStore burn the fuse with each change that they make.
type crashingToken struct {
	*hsm.Token
	*fuse
}

func (c crashingToken) MakeWrappingKey(ctx context.Context, key hsm.WrappingKey) (state hsm.KeyState, err error) {
	err = c.burn(func() error { state, err = c.Token.MakeWrappingKey(ctx, key); return err })
	return state, err
}

func (c crashingToken) DestroyWrappingKey(ctx context.Context, key hsm.WrappingKey) error {
	return c.burn(func() error { return c.Token.DestroyWrappingKey(ctx, key) })
}

type crashingStore struct {
	node.Store
	*fuse
}

func (c crashingStore) MoveWrapping(ctx context.Context, from, to node.WrappingKeys, about ...audit.Entry) error {
	return c.burn(func() error { return c.Store.MoveWrapping(ctx, from, to, about...) })
}

func (c crashingStore) Reseal(ctx context.Context, blobs []node.NewBlob) (n int, err error) {
	err = c.burn(func() error { n, err = c.Store.Reseal(ctx, blobs); return err })
	return n, err
}

// crashing is the first signer's rotation, which ends after so many changes.
func (c *cluster) crashing(t *testing.T, f *fuse) node.Rotation {
	t.Helper()
	config := c.Nodes[0].Config
	config.Store = crashingStore{config.Store, f}
	one, err := node.New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	r := c.rotation()
	r.Node, r.Token = one, crashingToken{c.token(), f}
	return r
}

// Whatever the change before or after which a rotation ends, it goes on from there, and
// shares open at every time.
func TestRotationGoesOnFromWhereverItEnded(t *testing.T) {
	c := newCluster(t, 2)
	const changes = 8 // five stages, the key's making and destroying, and one part of shares
	for _, after := range []bool{false, true} {
		for steps := 1; steps <= changes; steps++ {
			r := c.crashing(t, &fuse{left: steps, after: after})
			_, err := r.Run(context.Background())
			if err == nil {
				_, err = r.DestroyFormer(context.Background())
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("%d steps (the last one happens: %v): %v", steps, after, err)
			}
			if _, failed := c.export(c.signExport(t)); failed != nil {
				t.Errorf("%d steps (the last one happens: %v): an export after it: %v", steps, after, failed)
			}
			c.rotate(t)
			c.destroyFormer(t)
			keys, err := c.Stores[0].WrappingKeys(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			c.expectKeys(t, node.WrappingKeys{Current: keys.Current, Stage: node.Settled}, keys.Current)
			c.expectAllUnder(t, keys.Current, 1)
		}
	}
	whole := &fuse{left: changes + 1}
	r := c.crashing(t, whole)
	wholeRotation(t, r)()
	if whole.left != 1 {
		t.Errorf("a rotation has %d changes", changes+1-whole.left)
	}
}
