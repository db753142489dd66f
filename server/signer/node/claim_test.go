//go:build cgo

package node_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/test/rig"
)

func TestAnEnvelopeIsOfTheOrganisationThatBroughtItFirst(t *testing.T) {
	c := newCluster(t, 2)
	body := c.Deal(t, rig.Scheme(t, "FROST", "ed25519"), 2, rig.Secret(t))
	stranger := c.Rig.Account(t, c.Organisation(t), identity.KeysImport)
	prepare := func(by *rig.Account) error {
		_, err := c.Nodes[0].Prepare(context.Background(), signer.Request{Action: by.Sign(t, signer.ImportPath, body)})
		return err
	}
	if err := prepare(c.Account); err != nil {
		t.Fatal(err)
	}
	if err := prepare(stranger); !errors.Is(err, node.ErrForeignEnvelope) {
		t.Errorf("from another organisation: %v", err)
	}
	if err := prepare(c.Account); err != nil {
		t.Errorf("from the same organisation again: %v", err)
	}
	// The other signer has not seen it yet, and goes by its own record.
	if _, err := c.Nodes[1].Prepare(context.Background(), signer.Request{Action: stranger.Sign(t, signer.ImportPath, body)}); err != nil {
		t.Errorf("at another signer: %v", err)
	}
}

func TestOfTwoOrganisationsThatRaceForAnEnvelopeOneWins(t *testing.T) {
	c := newCluster(t, 2)
	body := c.Deal(t, rig.Scheme(t, "FROST", "ed25519"), 2, rig.Secret(t))
	var wait sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		action := c.Rig.Account(t, c.Organisation(t), identity.KeysImport).Sign(t, signer.ImportPath, body)
		wait.Go(func() { _, results[i] = c.Nodes[0].Prepare(context.Background(), signer.Request{Action: action}) })
	}
	wait.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, node.ErrForeignEnvelope) {
			t.Errorf("got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d organisations have the same share", won)
	}
}
