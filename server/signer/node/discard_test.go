//go:build cgo

package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
	"keyferry/shares/locked"
	"keyferry/test/rig"
)

// disposal is that of the first signer's shares.
func (c *cluster) disposal() node.Disposal { return node.Disposal{Node: c.Nodes[0], Token: c.token()} }

// wipe damages a share at the first signer.
func (c *cluster) wipe(t *testing.T, key keyring.KeyID) {
	t.Helper()
	c.edit(t, `UPDATE shares SET sealed = zeroblob(length(sealed))`, key)
}

func (c *cluster) edit(t *testing.T, change string, key keyring.KeyID) {
	t.Helper()
	tamper(t, filepath.Join(c.Dir, "signer-0.db"), change+` WHERE key_id = '`+string(key)+`'`)
}

func TestEachDamagedShareCanBeDiscardedAndTheRotationEnds(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	uncommitted := c.prepare(t, c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "FROST", "ed25519"), 2, rig.Secret(t)))).Key
	c.wipe(t, uncommitted)
	damaged := []keyring.KeyID{uncommitted, c.otherSecret(t)}
	for _, damage := range []string{
		`UPDATE shares SET sealed = substr(sealed, 1, length(sealed) - 1)`, `UPDATE shares SET public_shares = x''`,
		`UPDATE shares SET wrapping_key = 9, sealed = x'00'`, `UPDATE shares SET org = 'or-other'`, `UPDATE shares SET curve = 'none'`,
	} {
		key := c.importKey(t)
		c.edit(t, damage, key)
		damaged = append(damaged, key)
	}
	if _, err := c.rotation().Run(ctx); !errors.Is(err, node.ErrDamagedShares) {
		t.Fatalf("rotating: %v", err)
	}
	for _, key := range damaged {
		seen, err := c.disposal().Examine(ctx, key)
		if err != nil || seen.Cause == nil {
			t.Errorf("%s: %+v, %v", key, seen, err)
		}
		got, err := c.disposal().Discard(ctx, key, "the row was lost")
		if err != nil || got.ShareName != seen.ShareName {
			t.Errorf("%s: %+v, %v", key, got, err)
		}
	}
	c.rotate(t)
	c.destroyFormer(t)
	c.expectAllUnder(t, 2, 1)
	c.expectKeys(t, node.WrappingKeys{Current: 2, Stage: node.Settled}, 2)
}

func TestASoundShareIsNeverDiscarded(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	other := clusterOf(t, c.Rig) // another organisation's key at the same signers
	uncommitted := c.prepare(t, c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "FROST", "ed25519"), 2, rig.Secret(t)))).Key
	for _, key := range []keyring.KeyID{c.key, other.key, uncommitted} {
		if _, err := c.disposal().Discard(ctx, key, "by mistake"); !errors.Is(err, node.ErrSound) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []keyring.KeyID{"key-none", "", "' OR 1=1"} {
		if _, err := c.disposal().Discard(ctx, key, "by mistake"); !errors.Is(err, node.ErrNoShare) {
			t.Errorf("%s: %v", key, err)
		}
	}
	c.expectAllUnder(t, 1, 3)
}

func TestAShareWhoseRowNamesAnotherKeyIsNotDiscarded(t *testing.T) {
	c := newCluster(t, 2)
	c.edit(t, `UPDATE shares SET wrapping_key = 9`, c.key)
	_, err := c.disposal().Discard(context.Background(), c.key, "it does not open")
	if !errors.Is(err, node.ErrMisnamed) || !strings.HasSuffix(err.Error(), ": v1") {
		t.Errorf("got %v", err)
	}
	c.edit(t, `UPDATE shares SET wrapping_key = 1`, c.key)
	c.expectAllUnder(t, 1, 1)
}

// A key that was made anew under the old name opens no share. That is no damage of the
// shares: the old key may be in a backup of the token.
func TestNoShareIsDiscardedWhereNoneOpens(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	lost := []keyring.KeyID{c.key, c.importKey(t)}
	for _, key := range lost {
		c.wipe(t, key)
	}
	if _, err := c.disposal().Discard(ctx, c.key, "none opens"); !errors.Is(err, node.ErrNothingOpens) {
		t.Errorf("got %v", err)
	}
	c.importKey(t)
	for _, key := range lost {
		if _, err := c.disposal().Discard(ctx, key, "lost"); err != nil {
			t.Error(err)
		}
	}
}

func TestNoShareIsDiscardedOnTheOtherSideOfARotation(t *testing.T) {
	c := newCluster(t, 2)
	c.wipe(t, c.key)
	tamper(t, filepath.Join(c.Dir, "signer-0.db"), `UPDATE wrapping SET current_key = 2`)
	if _, err := c.disposal().Discard(context.Background(), c.key, "lost"); !errors.Is(err, node.ErrOtherToken) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Stores[0].NamedShare(context.Background(), c.key); err != nil {
		t.Error(err)
	}
}

// troubled is a token that answers some openings with an error.
type troubled struct {
	node.Token
	err     error
	opening int // from 1
	from    int // the first one that fails
	until   int // and the first one after it that does not
}

func (d *troubled) OpenShare(ctx context.Context, key hsm.WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error) {
	if d.opening++; d.opening >= d.from && d.opening < d.until {
		return nil, d.err
	}
	return d.Token.OpenShare(ctx, key, blob, aad, room)
}

// tries is a token that does not open what it seals.
type tries struct {
	node.Token
	err error
}

func (d *tries) TryWrappingKey(context.Context, hsm.WrappingKey) error { return d.err }

func TestTroubleWithTheTokenIsNoDamage(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	c.importKey(t)
	for _, trouble := range []error{hsm.ErrTokenGone, hsm.ErrHung, hsm.ErrBusy, hsm.ErrNotAsked, hsm.ErrWrongPIN, hsm.ErrKeysChanged, hsm.ErrRefused, hsm.ErrNotInitialised, context.Canceled} {
		c.withToken(t, &troubled{Token: c.token(), err: trouble, from: 1, until: 100})
		if _, err := c.disposal().Discard(ctx, c.key, "trouble"); err == nil || errors.Is(err, signer.ErrDamaged) {
			t.Errorf("%v: %v", trouble, err)
		}
	}
	for _, moment := range []error{hsm.ErrBlob, hsm.ErrNoWrappingKey} {
		for from := 1; from < 3; from++ {
			c.withToken(t, &troubled{Token: c.token(), err: moment, from: from, until: from + 2})
			if _, err := c.disposal().Discard(ctx, c.key, "a moment"); !errors.Is(err, node.ErrSound) {
				t.Errorf("%v from opening %d on: %v", moment, from, err)
			}
		}
	}
	c.withToken(t, c.token())
	c.expectAllUnder(t, 1, 2)
}

func TestATokenThatDoesNotWorkTellsOfNoDamage(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	c.importKey(t)
	c.wipe(t, c.key)
	for _, trouble := range []error{hsm.ErrTokenGone, hsm.ErrBusy, hsm.ErrWrongPIN, hsm.ErrNoWrappingKey} {
		c.withToken(t, &tries{c.token(), trouble})
		if _, err := c.disposal().Discard(ctx, c.key, "trouble"); err == nil {
			t.Errorf("%v: discarded", trouble)
		}
	}
	if _, err := c.Stores[0].NamedShare(ctx, c.key); err != nil {
		t.Error(err)
	}
}

func (c *cluster) withToken(t *testing.T, token node.Token) {
	t.Helper()
	c.Restart(t, 0, func(config *node.Config) { config.Token = token })
}

// discardLate has something happen before a share is removed.
type discardLate struct {
	node.Store
	before func()
}

func (l discardLate) DiscardDamaged(ctx context.Context, d node.Discarded, seen node.Share, about ...audit.Entry) error {
	l.before()
	return l.Store.DiscardDamaged(ctx, d, seen, about...)
}

func TestAShareThatIsBroughtBackMeanwhileStays(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	c.importKey(t)
	share, err := c.Stores[0].Share(ctx, c.User.Org, c.key)
	if err != nil {
		t.Fatal(err)
	}
	c.wipe(t, c.key)
	slow := c.on(t, func(s node.Store) node.Store {
		return discardLate{s, func() { c.replaceBlob(t, c.key, share.Blob) }}
	}).Node
	if _, err := (node.Disposal{Node: slow, Token: c.token()}).Discard(ctx, c.key, "too late"); !errors.Is(err, node.ErrChanged) {
		t.Errorf("got %v", err)
	}
	c.expectAllUnder(t, 1, 2)
}

// Whoever rotates at the same time neither loses a sound share to it nor meets an end.
func TestDisposalMeetsARotation(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	sound, damaged := c.importKey(t), c.importKey(t)
	h, rotation := c.withHooks(t)
	h.beforeOpen = wholeRotation(t, rotation) // the key that the row named is gone then
	if _, err := c.disposal().Discard(ctx, sound, "by mistake"); !errors.Is(err, node.ErrSound) {
		t.Errorf("a sound share: %v", err)
	}
	c.edit(t, `UPDATE shares SET sealed = zeroblob(length(sealed))`, damaged)
	list := func() {
		if _, err := c.disposal().Discard(ctx, damaged, "lost"); err != nil {
			t.Errorf("while a rotation runs: %v", err)
		}
	}
	slow := c.on(t, func(s node.Store) node.Store { return resealLate{s, &list} })
	if _, err := slow.Run(ctx); err != nil {
		t.Errorf("the rotation: %v", err)
	}
	c.destroyFormer(t)
	c.expectAllUnder(t, 3, 2)
}

func TestDiscardIsOnRecordOnceAndSaidAgain(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	damaged := c.importKey(t)
	c.wipe(t, damaged)
	before, err := c.Stores[0].Entries(ctx, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.disposal().Examine(ctx, damaged); err != nil {
		t.Fatal(err)
	}
	if _, err := c.disposal().Discard(ctx, damaged, "disk 4 of host 7 was lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.disposal().Discard(ctx, damaged, "again"); !errors.Is(err, node.ErrNoShare) {
		t.Errorf("again: %v", err)
	}
	said, err := c.disposal().Discarded(ctx, damaged)
	if err != nil || said.Org != c.User.Org || said.Reason != "disk 4 of host 7 was lost" || said.Since.IsZero() {
		t.Errorf("got %+v, %v", said, err)
	}
	after, err := c.Stores[0].Entries(ctx, int64(len(before)), 1000)
	if err != nil || len(after) != 1 {
		t.Fatalf("%d entries, %v", len(after), err)
	}
	var e audit.Entry
	if err := json.Unmarshal(after[0].Canonical, &e); err != nil {
		t.Fatal(err)
	}
	if e.Kind != audit.DamagedShareDiscarded || e.Org != c.User.Org || e.Key != string(damaged) ||
		e.Details["reason"] != "disk 4 of host 7 was lost" || !strings.Contains(e.Details["damage"], "does not belong here") {
		t.Errorf("recorded %+v", e)
	}
}

func TestDiscardWantsAReasonThatCanGoOnRecord(t *testing.T) {
	c := newCluster(t, 2)
	c.wipe(t, c.key)
	for _, reason := range []string{"", strings.Repeat("x", 501), "two\nlines", "bad \xff text", "\x1b[2J"} {
		if _, err := c.disposal().Discard(context.Background(), c.key, reason); !errors.Is(err, node.ErrReason) {
			t.Errorf("%q: %v", reason, err)
		}
	}
}

// discarded gives the import of a share that was committed, damaged and discarded.
func (c *cluster) discarded(t *testing.T) (action useraction.Signed, commit signer.Commit) {
	t.Helper()
	action = c.Sign(t, signer.ImportPath, c.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), 2, rig.Secret(t)))
	commit = c.prepare(t, action)
	if err := c.Nodes[0].Commit(context.Background(), commit); err != nil {
		t.Fatal(err)
	}
	c.wipe(t, commit.Key)
	if _, err := c.disposal().Discard(context.Background(), commit.Key, "lost"); err != nil {
		t.Fatal(err)
	}
	return action, commit
}

func TestADiscardedShareIsNotExportedAndNotCommittedByAnybody(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	_, commit := c.discarded(t)
	export := c.Sign(t, "/keys/"+string(commit.Key)+"/export", c.exportBody(t))
	if _, err := c.export(export); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("exporting: %v", err)
	}
	if err := c.Nodes[0].Commit(ctx, commit); !errors.Is(err, signer.ErrNoShare) {
		t.Errorf("committing: %v", err)
	}
	if err := c.Nodes[0].Discard(ctx, commit.Key); err != nil {
		t.Errorf("a server's discard: %v", err)
	}
}

// The action that made a key may bring its share back while it is good: to the same place,
// as what it was, and from nobody else.
func TestTheImportsOwnActionBringsADiscardedShareBack(t *testing.T) {
	ctx := context.Background()
	c := newCluster(t, 2)
	c.importKey(t)
	action, commit := c.discarded(t)
	if _, err := c.Nodes[0].Prepare(ctx, signer.Request{Action: action}); err != nil {
		t.Fatal(err)
	}
	share, err := c.Stores[0].Share(ctx, c.User.Org, commit.Key)
	if err != nil || !share.Committed {
		t.Errorf("committed %v, %v", share.Committed, err)
	}
	if _, err := c.disposal().Discard(ctx, commit.Key, "again"); !errors.Is(err, node.ErrSound) {
		t.Errorf("got %v", err)
	}
}
