//go:build cgo

package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/shares/locked"
	"keyferry/test/rig"
)

// rotation is that of the first signer's key.
func (c *cluster) rotation() node.Rotation {
	return node.Rotation{
		Node: c.Nodes[0], Token: c.token(), Made: func(hsm.KeyState) {}, Resealed: func(int) {},
	}
}

func (c *cluster) token() *hsm.Token {
	for token := c.Nodes[0].Token; ; {
		switch t := token.(type) {
		case *hsm.Token:
			return t
		case *hooked:
			token = t.Token
		case *troubled:
			token = t.Token
		case *tries:
			token = t.Token
		}
	}
}

func (c *cluster) rotate(t *testing.T) {
	t.Helper()
	if _, err := c.rotation().Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) destroyFormer(t *testing.T) {
	t.Helper()
	if _, err := c.rotation().DestroyFormer(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// expectKeys compares what store and token say.
func (c *cluster) expectKeys(t *testing.T, want node.WrappingKeys, onToken ...hsm.WrappingKey) {
	t.Helper()
	keys, err := c.Stores[0].WrappingKeys(context.Background())
	if err != nil || keys != want {
		t.Errorf("the store has %+v, %v; not %+v", keys, err, want)
	}
	there, err := c.token().WrappingKeys(context.Background())
	if err != nil || !slices.Equal(there, onToken) {
		t.Errorf("the token has %v, %v; not %v", there, err, onToken)
	}
}

// expectAllUnder looks at every share of the first signer, and exports the cluster's key.
func (c *cluster) expectAllUnder(t *testing.T, key hsm.WrappingKey, shares int) {
	t.Helper()
	names, err := c.Stores[0].ShareNames(context.Background(), "", 1000)
	if err != nil || len(names) != shares {
		t.Fatalf("%d shares, %v; not %d", len(names), err, shares)
	}
	for _, name := range names {
		share, err := c.Stores[0].Share(context.Background(), name.Org, name.Key)
		if err != nil || share.WrappingKey != key {
			t.Errorf("share of %s: under v%d, %v", name.Key, share.WrappingKey, err)
		}
	}
	v, err := c.Nodes[0].VerifyShares(context.Background(), node.Survey{})
	if err != nil || v.Intact != shares || v.Damaged != 0 {
		t.Errorf("verified: %+v, %v", v, err)
	}
	if _, err := c.export(c.signExport(t)); err != nil {
		t.Error(err)
	}
}

// hooked is a token that has something happen before a share is opened, and after one was
// sealed, once.
type hooked struct {
	node.Token
	beforeOpen, afterSeal func()
}

func (h *hooked) once(hook *func()) {
	if do := *hook; do != nil {
		*hook = nil
		do()
	}
}

func (h *hooked) SealShare(ctx context.Context, key hsm.WrappingKey, plaintext *locked.Buffer, aad []byte) ([]byte, error) {
	blob, err := h.Token.SealShare(ctx, key, plaintext, aad)
	h.once(&h.afterSeal)
	return blob, err
}

func (h *hooked) OpenShare(ctx context.Context, key hsm.WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error) {
	h.once(&h.beforeOpen)
	return h.Token.OpenShare(ctx, key, blob, aad, room)
}

// withHooks puts hooks into the first signer, which is then another node than the one that
// rotates: as two processes have it.
func (c *cluster) withHooks(t *testing.T) (*hooked, node.Rotation) {
	t.Helper()
	rotation := c.rotation()
	h := &hooked{Token: c.token()}
	c.Restart(t, 0, func(config *node.Config) { config.Token = h })
	return h, rotation
}

func wholeRotation(t *testing.T, r node.Rotation) func() {
	return func() {
		if _, err := r.Run(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := r.DestroyFormer(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestRotationBringsEveryShareUnderTheNewKey(t *testing.T) {
	c := newCluster(t, 2)
	c.importKey(t)
	uncommitted := c.prepare(t, c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "FROST", "ed25519"), 2, rig.Secret(t))))
	c.rotate(t)
	c.expectKeys(t, node.WrappingKeys{Current: 2, Other: 1, Stage: node.Resealed}, 1, 2)
	c.expectAllUnder(t, 2, 3)
	c.rotate(t) // the former key is still there: nothing new begins
	c.expectKeys(t, node.WrappingKeys{Current: 2, Other: 1, Stage: node.Resealed}, 1, 2)
	c.destroyFormer(t)
	c.destroyFormer(t)
	c.expectKeys(t, node.WrappingKeys{Current: 2, Stage: node.Settled}, 2)
	c.expectAllUnder(t, 2, 3)
	if err := c.Nodes[0].Commit(context.Background(), uncommitted); err != nil {
		t.Errorf("committing a share that was prepared before: %v", err)
	}
	c.rotate(t)
	c.destroyFormer(t)
	c.importKey(t)
	c.expectAllUnder(t, 3, 4)
	c.expectKeys(t, node.WrappingKeys{Current: 3, Stage: node.Settled}, 3)
}

func TestRotationIsOnRecord(t *testing.T) {
	c := newCluster(t, 2)
	before, err := c.Stores[0].Entries(context.Background(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	c.rotate(t)
	c.destroyFormer(t)
	after, err := c.Stores[0].Entries(context.Background(), int64(len(before)), 100)
	if err != nil {
		t.Fatal(err)
	}
	want := []audit.Kind{audit.RotationBegun, audit.WrappingKeyChanged, audit.RotationFinished, audit.WrappingKeyDestroying, audit.WrappingKeyDestroyed}
	var kinds []audit.Kind
	for _, one := range after {
		var e audit.Entry
		if err := json.Unmarshal(one.Canonical, &e); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Kind)
		current, other := "2", "1"
		if e.Kind == audit.RotationBegun {
			current, other = "1", "2"
		}
		if e.Details["current"] != current || e.Details["other"] != other {
			t.Errorf("%s: %v", e.Kind, e.Details)
		}
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v\nwant %v", kinds, want)
	}
}

func TestExportReadsAShareAgainThatWasResealedMeanwhile(t *testing.T) {
	c := newCluster(t, 2)
	h, rotation := c.withHooks(t)
	h.beforeOpen = wholeRotation(t, rotation)
	if _, err := c.export(c.signExport(t)); err != nil {
		t.Error(err)
	}
	c.expectKeys(t, node.WrappingKeys{Current: 2, Stage: node.Settled}, 2)
}

func TestImportThatMeetsARotationIsSealedUnderTheNewKey(t *testing.T) {
	c := newCluster(t, 2)
	h, rotation := c.withHooks(t)
	h.afterSeal = wholeRotation(t, rotation)
	c.importKey(t)
	c.expectAllUnder(t, 2, 2)
	c.expectKeys(t, node.WrappingKeys{Current: 2, Stage: node.Settled}, 2)
}

func TestFormerKeyStaysWhileAShareIsDamaged(t *testing.T) {
	c := newCluster(t, 2)
	damaged := c.importKey(t)
	share, err := c.Stores[0].Share(context.Background(), c.User.Org, damaged)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(share.Blob)
	bad[len(bad)-1] ^= 1
	c.replaceBlob(t, damaged, bad)
	rotation := c.rotation()
	var told []keyring.KeyID
	rotation.Survey.Damaged = func(key keyring.KeyID, _ error) { told = append(told, key) }
	for range 2 {
		told = nil
		if _, err := rotation.Run(context.Background()); !errors.Is(err, node.ErrDamagedShares) || !slices.Equal(told, []keyring.KeyID{damaged}) {
			t.Fatalf("told of %v: %v", told, err)
		}
		if _, err := rotation.DestroyFormer(context.Background()); !errors.Is(err, node.ErrUnfinished) {
			t.Fatalf("destroying: %v", err)
		}
		c.expectKeys(t, node.WrappingKeys{Current: 2, Other: 1, Stage: node.Resealing}, 1, 2)
	}
	if _, err := c.export(c.signExport(t)); err != nil {
		t.Errorf("the other share: %v", err)
	}
	c.replaceBlob(t, damaged, share.Blob)
	c.rotate(t)
	c.destroyFormer(t)
	c.expectAllUnder(t, 2, 2)
}

// A row that names another key than it is under loses its share for the time being, and
// no key.
func TestARowThatNamesAnotherKeyKeepsTheFormerOne(t *testing.T) {
	c := newCluster(t, 2)
	path := filepath.Join(c.Dir, "signer-0.db")
	tamper(t, path, `UPDATE shares SET wrapping_key = 7`)
	if _, err := c.export(c.signExport(t)); !errors.Is(err, signer.ErrDamaged) {
		t.Errorf("exporting: %v", err)
	}
	if _, err := c.rotation().Run(context.Background()); !errors.Is(err, node.ErrDamagedShares) {
		t.Errorf("rotating: %v", err)
	}
	tamper(t, path, `UPDATE shares SET wrapping_key = 2`)
	if _, err := c.rotation().Run(context.Background()); !errors.Is(err, node.ErrDamagedShares) {
		t.Errorf("rotating: %v", err)
	}
	tamper(t, path, `UPDATE shares SET wrapping_key = 1`)
	c.rotate(t)
	c.destroyFormer(t)
	c.expectAllUnder(t, 2, 1)
}

func TestVerificationFindsEachDamagedShare(t *testing.T) {
	c := newCluster(t, 2)
	path := filepath.Join(c.Dir, "signer-0.db")
	at := func(key keyring.KeyID) string { return ` WHERE key_id = '` + string(key) + `'` }
	want := map[keyring.KeyID]bool{}
	for _, damage := range []string{
		`UPDATE shares SET sealed = substr(sealed, 1, length(sealed) - 1)`, `UPDATE shares SET public_shares = x''`,
		`UPDATE shares SET wrapping_key = 9`, `UPDATE shares SET org = 'or-other'`, `UPDATE shares SET curve = 'none'`,
	} {
		key := c.importKey(t)
		tamper(t, path, damage+at(key))
		want[key] = true
	}
	want[c.otherSecret(t)] = true
	got := map[keyring.KeyID]bool{}
	v, err := c.Nodes[0].VerifyShares(context.Background(), node.Survey{Damaged: func(key keyring.KeyID, _ error) { got[key] = true }})
	if err != nil || v.Intact != 1 || v.Damaged != len(want) || !v.SucceededAt.IsZero() {
		t.Errorf("got %+v, %v", v, err)
	}
	for key := range want {
		if !got[key] {
			t.Errorf("share of %s was not found out", key)
		}
	}
	for key := range want {
		tamper(t, path, `DELETE FROM shares`+at(key))
	}
	v, err = c.Nodes[0].VerifyShares(context.Background(), node.Survey{})
	if err != nil || v.Intact != 1 || v.Damaged != 0 || !v.SucceededAt.Equal(v.FinishedAt) {
		t.Errorf("without them: %+v, %v", v, err)
	}
}

// otherSecret imports a key and seals the text of another share in its place, as only
// somebody with the token can.
func (c *cluster) otherSecret(t *testing.T) keyring.KeyID {
	t.Helper()
	ctx := context.Background()
	key := c.importKey(t)
	share, err := c.Stores[0].Share(ctx, c.User.Org, key)
	if err != nil {
		t.Fatal(err)
	}
	place := node.PlaceOf(c.Nodes[0], share)
	text, err := c.token().OpenShare(ctx, 1, share.Blob, place, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Destroy()
	last := text.Bytes()[text.Len()-4 : text.Len()-3] // of the secret's digits
	if last[0] == '1' {
		last[0] = '2'
	} else {
		last[0] = '1'
	}
	blob, err := c.token().SealShare(ctx, 1, text, place)
	if err != nil {
		t.Fatal(err)
	}
	c.replaceBlob(t, key, blob)
	return key
}

// replaceBlob puts another blob of the first key in a row of the first signer's store.
func (c *cluster) replaceBlob(t *testing.T, key keyring.KeyID, blob []byte) {
	t.Helper()
	tamper(t, filepath.Join(c.Dir, "signer-0.db"), fmt.Sprintf(`UPDATE shares SET sealed = x'%x', wrapping_key = 1 WHERE key_id = '%s'`, blob, key))
}

func TestVerificationOfATokenInTroubleIsNoDamage(t *testing.T) {
	c := newCluster(t, 2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if v, err := c.Nodes[0].VerifyShares(ctx, node.Survey{}); err == nil || v != (node.Verification{}) {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := c.Stores[0].LastVerification(context.Background()); err != nil || v != (node.Verification{}) {
		t.Errorf("on record: %+v, %v", v, err)
	}
}
