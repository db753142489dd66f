//go:build cgo

package signertest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"keyferry/server/admin"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/shares/recovery"
	"keyferry/shares/statement"
	"keyferry/test/authenticator"
	"keyferry/test/rig"
)

func exportGivesTheKey(t *testing.T, c *cluster) {
	commit, prepared := c.prepare(t, c.signImport(t))
	c.commit(t, commit)
	public, err := prepared[0].Public.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	response := recovery.Response{Scheme: rig.Scheme(t, "CGGMP21", "secp256k1"), PublicKey: public, MinSigners: threshold}
	action := c.signExport(t, commit.Key)
	for _, one := range c.signers {
		share, err := one.Export(context.Background(), signer.Request{Action: action})
		if err != nil {
			t.Fatal(err)
		}
		response.Shares = append(response.Shares, recovery.SealedShare{SignerID: share.Signer.String(), Envelope: share.Ciphertext})
	}
	recovered, err := c.client.Recover(response, recovery.Options{PublicKey: public, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	defer recovered.Destroy()
	if !bytes.Equal(recovered.Secret.Bytes(), rig.Secret(t).Bytes()) {
		t.Error("another key came back")
	}
}

func exportStates(t *testing.T, c *cluster) {
	key := c.importKey(t)
	action := c.signExport(t, key)
	first, err := c.export(action)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.export(action)
	if err != nil {
		t.Fatalf("the same action again: %v", err)
	}
	if bytes.Equal(first.Ciphertext, second.Ciphertext) {
		t.Error("the same envelope was used twice")
	}
	for _, share := range []signer.SealedShare{first, second} {
		s := share.Statement
		if err := s.Verify(c.signers[0].Info().Member); err != nil {
			t.Error(err)
		}
		if s.Key != string(key) || s.ActionHash != action.ID() || s.CiphertextHash != statement.HashCiphertext(share.Ciphertext) {
			t.Errorf("it states %+v", s.Statement)
		}
	}
}

func exportTakesASecurityKey(t *testing.T, c *cluster) {
	party := rig.RelyingParty()
	a := authenticator.NewP256(t, party.ID, party.Origins[0])
	_, err := c.Office.AddCredential(context.Background(), c.User.ID, admin.Registration{
		Kind: identity.Fido2Credential, ID: identity.CredentialID(a.ID), PublicKey: a.PublicKey(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	action := c.signExport(t, c.importKey(t))
	by := a.Assert(t, action.Input.Challenge())
	action.Credential, action.Kind = identity.CredentialID(a.ID), identity.Fido2Credential
	action.ClientData, action.AuthenticatorData, action.Signature = by.ClientData, by.AuthenticatorData, by.Signature
	if _, err := c.export(action); err != nil {
		t.Error(err)
	}
	action.AuthenticatorData = nil
	if _, err := c.export(action); !errors.Is(err, signer.ErrConsent) {
		t.Errorf("without the authenticator's data: %v", err)
	}
}

func contextEnds(t *testing.T, c *cluster) {
	action := c.signExport(t, c.importKey(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if share, err := c.signers[0].Export(ctx, signer.Request{Action: action}); err == nil || share.Ciphertext != nil {
		t.Errorf("%d bytes, %v", len(share.Ciphertext), err)
	}
}

func questionsDoNotMix(t *testing.T, c *cluster) {
	var done sync.WaitGroup
	for range 4 {
		action := c.signExport(t, c.importKey(t))
		for i := range c.signers {
			done.Go(func() {
				share, err := c.signers[i].Export(context.Background(), signer.Request{Action: action})
				if err != nil {
					t.Error(err)
				} else if share.Statement.ActionHash != action.ID() || share.Signer != c.Nodes[i].Info().ID {
					t.Error("an answer to another question, or of another signer")
				}
			})
		}
	}
	done.Wait()
}
