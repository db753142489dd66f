//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/test/rig"
)

// Whatever the token answers while a sound share is looked at, once, a few times or all the
// time, it is not taken for a damaged one.
func TestNoFaultOfATokenHasASoundShareDiscarded(t *testing.T) {
	ctx := context.Background()
	r := rig.New(t, 2)
	a := r.Account(t, r.Organisation(t), identity.KeysImport)
	key := importKey(t, r, a)
	importKey(t, r, a) // another that opens
	disposal := node.Disposal{Node: r.Nodes[0], Token: r.Nodes[0].Token.(*hsm.Token)}
	discard := func() error {
		_, err := disposal.Discard(ctx, key, "a fault")
		return err
	}
	var rules []string
	for _, f := range of(t, "open", true) {
		for _, c := range f.codes {
			rules = append(rules, f.once(c), fmt.Sprintf("%s call=2 return=%s", f.name, c.number), fmt.Sprintf("%s call=1-3 return=%s", f.name, c.number))
		}
		rules = append(rules, f.name+" return=0x40", f.name+" return=0x5")
	}
	rules = append(rules, "C_Decrypt wrong", "C_Decrypt call=1 wrong", "C_Decrypt short", "C_FindObjects return=0x5", "* return=0x30")
	for _, rule := range rules {
		plan(t, rule)
		if err := discard(); err == nil {
			t.Fatalf("%s: the share was discarded", rule)
		}
		plan(t)
		soon(t, rule, func() error {
			if err := discard(); !errors.Is(err, node.ErrSound) {
				return fmt.Errorf("the share is not known as sound again: %w", err)
			}
			return nil
		})
	}
	if share, err := r.Stores[0].Share(ctx, a.User.Org, key); err != nil || !share.Committed {
		t.Errorf("the share: %v", err)
	}
}

func importKey(t *testing.T, r *rig.Rig, a *rig.Account) keyring.KeyID {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	action := a.Sign(t, signer.ImportPath, r.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), 2, rig.Secret(t)))
	commit := signer.Commit{Org: a.User.Org, Key: keyring.KeyIDFor(action.ID())}
	for _, one := range r.Nodes {
		prepared, err := one.Prepare(ctx, signer.Request{Action: action})
		if err != nil {
			t.Fatal(err)
		}
		commit.Receipts = append(commit.Receipts, prepared.Receipt)
	}
	for _, one := range r.Nodes {
		if err := one.Commit(ctx, commit); err != nil {
			t.Fatal(err)
		}
	}
	return commit.Key
}
