//go:build cgo

package node_test

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
)

func TestFrozenSignerOpensNothingUntilItIsThawed(t *testing.T) {
	c := newCluster(t, 2)
	imported := c.order(t)
	one := c.Nodes[0]
	for _, scope := range []node.Scope{node.Everything(), node.Organisation(c.User.Org), node.Key(c.key), node.Key(keyring.KeyIDFor(imported.ID()))} {
		if err := one.Freeze(context.Background(), scope); err != nil {
			t.Fatal(err)
		}
		isImport := scope == node.Key(keyring.KeyIDFor(imported.ID()))
		isExport := scope == node.Key(c.key)
		if share, err := c.export(c.signExport(t)); !isImport && (!errors.Is(err, signer.ErrFrozen) || share.Ciphertext != nil) || isImport && err != nil {
			t.Errorf("%v: export: got %v", scope, err)
		}
		if _, err := one.Prepare(context.Background(), signer.Request{Action: imported}); !isExport && !errors.Is(err, signer.ErrFrozen) || isExport && err != nil {
			t.Errorf("%v: import: got %v", scope, err)
		}
		if err := one.Thaw(context.Background(), scope); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.export(c.signExport(t)); err != nil {
		t.Errorf("thawed: %v", err)
	}
}

func TestAFreezeIsOfOneSignerAndOneScope(t *testing.T) {
	c := newCluster(t, 2)
	for _, scope := range []node.Scope{node.Organisation(identity.OrgID("or-other")), node.Key("key-other")} {
		if err := c.Nodes[0].Freeze(context.Background(), scope); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Nodes[1].Freeze(context.Background(), node.Everything()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.export(c.signExport(t)); err != nil {
		t.Errorf("frozen with others: %v", err)
	}
	if _, err := c.Nodes[1].Export(context.Background(), signer.Request{Action: c.signExport(t)}); !errors.Is(err, signer.ErrFrozen) {
		t.Errorf("the frozen one: %v", err)
	}
	list, err := c.Nodes[0].ListFreezes(context.Background())
	if err != nil || len(list) != 2 || list[0].Since.IsZero() {
		t.Errorf("listed %+v, %v", list, err)
	}
}

// A key stays frozen while its organisation is.
func TestThawingIsOfTheSameScope(t *testing.T) {
	c := newCluster(t, 2)
	for _, scope := range []node.Scope{node.Organisation(c.User.Org), node.Key(c.key)} {
		if err := c.Nodes[0].Freeze(context.Background(), scope); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Nodes[0].Thaw(context.Background(), node.Key(c.key)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.export(c.signExport(t)); !errors.Is(err, signer.ErrFrozen) {
		t.Errorf("got %v", err)
	}
}

func TestScopesAreReadAsTheyAreWritten(t *testing.T) {
	for _, scope := range []node.Scope{node.Everything(), node.Organisation("or-1"), node.Key("key-1")} {
		if got, err := node.ParseScope(scope.String()); err != nil || got != scope {
			t.Errorf("%v is read as %v, %v", scope, got, err)
		}
	}
	c := newCluster(t, 2)
	for _, text := range []string{"", "ALL", "organisation:", "key:", "or-1", "signer:1"} {
		if _, err := node.ParseScope(text); err == nil {
			t.Errorf("%q is a scope", text)
		}
	}
	for _, scope := range []node.Scope{{}, node.Organisation(""), node.Key("")} {
		if c.Nodes[0].Freeze(context.Background(), scope) == nil {
			t.Errorf("froze %q", scope)
		}
	}
}
