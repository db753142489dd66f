//go:build cgo

package node_test

import (
	"context"
	"testing"

	"keyferry/server/signer"
	"keyferry/shares"
	"keyferry/shares/statement"
	"keyferry/test/rig"
)

func TestExportStatesWhatItSealed(t *testing.T) {
	c := newCluster(t, 3)
	body := c.Deal(t, rig.Scheme(t, "CGGMP21", "secp256k1"), 2, rig.Secret(t))
	imported := c.Sign(t, signer.ImportPath, body)
	prepared, err := c.Nodes[0].Prepare(context.Background(), signer.Request{Action: imported})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[0].Commit(context.Background(), c.prepare(t, imported)); err != nil {
		t.Fatal(err)
	}
	action := c.Sign(t, "/keys/"+string(prepared.Receipt.Key)+"/export", c.exportBody(t))
	share, err := c.export(action)
	if err != nil {
		t.Fatal(err)
	}
	if err := share.Statement.Verify(c.Nodes[0].Info().Member); err != nil {
		t.Error(err)
	}
	public, err := prepared.Public.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	position := indexOf(t, c, c.Nodes[0].Info().ID)
	want := statement.Statement{
		Deployment: rig.Deployment, Organisation: string(c.User.Org), Key: string(prepared.Receipt.Key),
		Scheme: rig.Scheme(t, "CGGMP21", "secp256k1"), PublicKey: public, MinSigners: 2,
		Index: shares.IndexOf(position), Commitment: prepared.Public[position-1], VectorHash: prepared.Public.Hash(),
		EncryptionKeyHash: c.client.EncryptionKey().Hash(), CiphertextHash: statement.HashCiphertext(share.Ciphertext),
		ActionHash: action.ID(), Time: share.Statement.Time,
	}
	if share.Statement.Statement != want {
		t.Errorf("stated %+v, want %+v", share.Statement.Statement, want)
	}
	if stated := share.Statement.Time; stated > c.Clock.Now().UnixMilli() || stated < c.Clock.Now().UnixMilli()-60_000 {
		t.Errorf("stated the time %d", stated)
	}
}

// indexOf returns a signer's place in the cluster, from 1.
func indexOf(t *testing.T, c *cluster, id signer.ID) int {
	t.Helper()
	for i, known := range c.Manifest.IDs() {
		if known == id {
			return i + 1
		}
	}
	t.Fatalf("signer %v is not in the cluster", id)
	return 0
}
