//go:build cgo

package node_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"keyferry/hsm"
	"keyferry/server/signer/node"
	"keyferry/shares/manifest"
	"keyferry/test/rig"
)

// joined makes the rig's first node anew and has it join a manifest.
func joined(t *testing.T, r *rig.Rig, m manifest.Manifest) (*node.Node, error) {
	t.Helper()
	n, err := node.New(context.Background(), r.Nodes[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	return n, n.Join(m)
}

func TestNodeSignsWithTheIdentityKeyOfItsManifest(t *testing.T) {
	ctx := context.Background()
	r := rig.New(t, 2)
	token, own := r.Nodes[0].Token.(*hsm.Token), r.Nodes[0].Info().Member
	if _, err := token.MakeIdentity(ctx, 2); err != nil {
		t.Fatal(err)
	}
	successor, err := own.Successor(rig.Deployment, token.IdentityAt(1), token.IdentityAt(2))
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.Manifest.With(successor)
	if err != nil {
		t.Fatal(err)
	}
	for version, m := range map[int]manifest.Manifest{1: r.Manifest, 2: next} {
		n, err := joined(t, r, m)
		if err != nil {
			t.Fatal(err)
		}
		want := token.IdentityAt(version).Public().(*ecdsa.PublicKey)
		if !want.Equal(n.Identity().Public()) || len(n.Info().Identities) != version || n.Info().ID != own.ID {
			t.Errorf("by a manifest with %d identity keys, the node has %d", version, len(n.Info().Identities))
		}
	}
}

// Whoever has the old key could link a key of his own. The node does not sign as that.
func TestNodeRefusesAManifestWhoseIdentityKeyIsNotOnItsToken(t *testing.T) {
	r := rig.New(t, 2)
	own := r.Nodes[0].Info().Member
	elsewhere, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	successor, err := own.Successor(rig.Deployment, r.Nodes[0].Identity(), elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.Manifest.With(successor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := joined(t, r, next); err == nil || !strings.Contains(err.Error(), "does not have identity key 2") {
		t.Errorf("%v", err)
	}
}
