//go:build cgo

package server

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server/signer/node"
	"keyferry/server/store"
)

func openTokenOffice(t *testing.T, c config.Node) *TokenOffice {
	t.Helper()
	o, err := OpenTokenOffice(context.Background(), NodeConfig{Node: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func quietly() node.Rotation {
	return node.Rotation{Made: func(hsm.KeyState) {}, Resealed: func(int) {}}
}

func TestEmbeddedSignersAreRotatedOneByOne(t *testing.T) {
	ctx := context.Background()
	c := readyConfig(t)
	signers, err := EmbeddedSigners(c.Config, c.Signers[1].Label)
	if err != nil || len(signers) != 1 {
		t.Fatalf("%d signers, %v", len(signers), err)
	}
	o := openTokenOffice(t, signers[0])
	for _, step := range []struct {
		do      func(context.Context, node.Rotation) (node.WrappingKeys, error)
		want    node.WrappingKeys
		onToken []hsm.WrappingKey
	}{
		{o.DestroyFormer, node.WrappingKeys{Current: 1, Stage: node.Settled}, []hsm.WrappingKey{1}},
		{o.Rotate, node.WrappingKeys{Current: 2, Other: 1, Stage: node.Resealed}, []hsm.WrappingKey{1, 2}},
		{o.Rotate, node.WrappingKeys{Current: 2, Other: 1, Stage: node.Resealed}, []hsm.WrappingKey{1, 2}},
		{o.DestroyFormer, node.WrappingKeys{Current: 2, Stage: node.Settled}, []hsm.WrappingKey{2}},
	} {
		keys, err := step.do(ctx, quietly())
		if err != nil || keys != step.want {
			t.Errorf("got %+v, %v; not %+v", keys, err, step.want)
		}
		status, err := o.Status(ctx)
		if err != nil || status.Keys != step.want || !slices.Equal(status.OnToken, step.onToken) {
			t.Errorf("status %+v, %v", status, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, c) // the server starts with what is there now, and the ceremony keeps it
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	reports, err := InitSigners(ctx, c.Config, c.Signers[1].Label)
	if err != nil || len(reports) != 1 || reports[0].Keys[0].Label != "keyferry share-wrapping v2" || reports[0].Keys[0].Created {
		t.Errorf("%+v, %v", reports, err)
	}
}

func TestASecondRotationAtTheSameTimeIsRefused(t *testing.T) {
	ctx := context.Background()
	c := readyConfig(t)
	signers, err := EmbeddedSigners(c.Config, c.Signers[0].Label)
	if err != nil {
		t.Fatal(err)
	}
	o := openTokenOffice(t, signers[0])
	other, err := store.OpenSigner(ctx, store.Config{Path: c.Signers[0].Store})
	if err != nil {
		t.Fatal(err)
	}
	release, err := other.LockRotation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Rotate(ctx, quietly()); !errors.Is(err, store.ErrRotating) {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(release(), other.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Rotate(ctx, quietly()); err != nil {
		t.Error(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

func TestRemoteSignersAreTheirOperatorsToRotate(t *testing.T) {
	c := readyConfig(t)
	if _, err := EmbeddedSigners(c.Config, "no such signer"); err == nil {
		t.Error("found a signer that is not configured")
	}
	c.Signers = []config.Signer{{URL: "https://127.0.0.1:1", PublicKey: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}}
	for _, port := range []string{"2", "3"} {
		other := c.Signers[0]
		other.URL = "https://127.0.0.1:" + port
		c.Signers = append(c.Signers, other)
	}
	if _, err := EmbeddedSigners(c.Config, ""); err == nil {
		t.Error("remote signers were taken for embedded ones")
	}
}
