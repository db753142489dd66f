//go:build cgo

package node_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"keyferry/hsm"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
)

// overtakenStore and overtakenToken have something happen before a change, once: the lock
// that keeps rotations apart can be lost with the connection that holds it.
type overtakenStore struct {
	node.Store
	overtake *func()
}

func (o overtakenStore) ShareNames(ctx context.Context, behind keyring.KeyID, n int) ([]node.ShareName, error) {
	runOnce(o.overtake)
	return o.Store.ShareNames(ctx, behind, n)
}

type resealLate struct {
	node.Store
	overtake *func()
}

func (l resealLate) Reseal(ctx context.Context, blobs []node.NewBlob) (int, error) {
	runOnce(l.overtake)
	return l.Store.Reseal(ctx, blobs)
}

type makesLate struct {
	*hsm.Token
	overtake *func()
}

func (l makesLate) MakeWrappingKey(ctx context.Context, key hsm.WrappingKey) (hsm.KeyState, error) {
	runOnce(l.overtake)
	return l.Token.MakeWrappingKey(ctx, key)
}

func runOnce(hook *func()) {
	if do := *hook; do != nil {
		*hook = nil
		do()
	}
}

// on is the rotation of a process with a store of its own making.
func (c *cluster) on(t *testing.T, wrap func(node.Store) node.Store) node.Rotation {
	t.Helper()
	config := c.Nodes[0].Config
	config.Store = wrap(config.Store)
	one, err := node.New(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	r := c.rotation()
	r.Node = one
	return r
}

// A rotation that stands still while others come and go takes no share back to a key that
// is gone.
func TestRotationThatWasLeftBehindReplacesNoShare(t *testing.T) {
	c := newCluster(t, 2)
	list := func() {
		wholeRotation(t, c.rotation())()
		c.rotate(t)
	}
	reseal := func() { c.destroyFormer(t) }
	slow := c.on(t, func(s node.Store) node.Store {
		return overtakenStore{resealLate{s, &reseal}, &list}
	})
	if _, err := slow.Run(context.Background()); !errors.Is(err, node.ErrMoved) {
		t.Errorf("got %v", err)
	}
	c.expectKeys(t, node.WrappingKeys{Current: 3, Stage: node.Settled}, 3)
	c.expectAllUnder(t, 3, 1)
}

// A rotation that is overtaken while it makes its key destroys nobody's.
func TestRotationThatIsOvertakenDestroysNoKey(t *testing.T) {
	c := newCluster(t, 2)
	imports := func() {
		c.rotate(t)
		c.importKey(t)
	}
	slow := c.rotation()
	slow.Token = makesLate{c.token(), &imports}
	if _, err := slow.Run(context.Background()); err == nil {
		t.Error("it went on")
	}
	c.expectAllUnder(t, 3, 2)
	c.rotate(t)
	c.destroyFormer(t)
	c.expectAllUnder(t, 3, 2)
}

// A store that is a backup of before a rotation, with the token after it, in each stage that
// the backup can be of.
func TestStoreFromBeforeARotationCostsNoKey(t *testing.T) {
	for _, stage := range []string{
		`current_key = 1, other_key = 0, stage = 'settled'`, `current_key = 1, other_key = 2, stage = 'making'`,
	} {
		c := newCluster(t, 2)
		path := filepath.Join(c.Dir, "signer-0.db")
		wholeRotation(t, c.rotation())()
		tamper(t, path, `UPDATE wrapping SET `+stage)
		before, err := c.Stores[0].WrappingKeys(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.rotation().Run(context.Background()); !errors.Is(err, node.ErrOtherToken) {
			t.Errorf("rotating: %v", err)
		}
		c.expectKeys(t, before, 2)
		tamper(t, path, `UPDATE wrapping SET current_key = 2, other_key = 0, stage = 'settled'`)
		c.expectAllUnder(t, 2, 1)
	}
}

// The reverse: the token is the backup.
func TestTokenFromBeforeARotationCostsNoKey(t *testing.T) {
	for _, stage := range []node.Stage{node.Settled, node.Resealing, node.Resealed, node.Destroying} {
		c := newCluster(t, 2)
		keys := node.WrappingKeys{Current: 2, Stage: stage}
		if stage != node.Settled {
			keys.Other = 1
		}
		path := filepath.Join(c.Dir, "signer-0.db")
		tamper(t, path, `UPDATE wrapping SET current_key = 2, other_key = `+string('0'+rune(keys.Other))+`, stage = '`+string(stage)+`'`)
		tamper(t, path, `UPDATE shares SET wrapping_key = 2`)
		for _, step := range []func(node.Rotation, context.Context) (node.WrappingKeys, error){node.Rotation.Run, node.Rotation.DestroyFormer} {
			if _, err := step(c.rotation(), context.Background()); err != nil && !errors.Is(err, node.ErrOtherToken) && !errors.Is(err, node.ErrUnfinished) {
				t.Errorf("%s: %v", stage, err)
			}
			c.expectKeys(t, keys, 1)
		}
		if _, err := c.export(c.signExport(t)); !errors.Is(err, signer.ErrDamaged) {
			t.Errorf("%s: exporting: %v", stage, err)
		}
		tamper(t, path, `UPDATE wrapping SET current_key = 1, other_key = 0, stage = 'settled'`)
		tamper(t, path, `UPDATE shares SET wrapping_key = 1`)
		c.expectAllUnder(t, 1, 1)
	}
}
