//go:build cgo

package signertest

import (
	"context"
	"errors"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
)

// demanding is a real trust that demands one approval, which any credential may give.
type demanding struct{ node.Trust }

// Rules implements [node.Trust].
func (d demanding) Rules(ctx context.Context, org identity.OrgID) (node.Rules, error) {
	rules, err := d.Trust.Rules(ctx, org)
	rules.Approvals, rules.MayApprove = 1, func(identity.CredentialID) bool { return true }
	return rules, err
}

// exportTakesApprovals connects the signers anew, since they are made anew with another
// trust.
func exportTakesApprovals(t *testing.T, c *cluster) {
	key := c.importKey(t)
	for at := range c.Nodes {
		c.Restart(t, at, func(config *node.Config) { config.Trust = demanding{config.Trust} })
	}
	c.signers = c.connect(t, c.Rig)
	approver := c.Rig.Account(t, c.User.Org, identity.KeysExport)
	action := c.signExport(t, key)
	approval := approver.Sign(t, action.Input.Path, action.Payload)
	for name, approvals := range map[string][]useraction.Signed{"none": nil, "his own": {c.signExport(t, key)}} {
		share, err := c.signers[0].Export(context.Background(), signer.Request{Action: action, Approvals: approvals})
		if !errors.Is(err, signer.ErrApproval) || !signer.Refused(err) || share.Ciphertext != nil {
			t.Errorf("%s: %d bytes, %v", name, len(share.Ciphertext), err)
		}
	}
	for _, one := range c.signers {
		share, err := one.Export(context.Background(), signer.Request{Action: action, Approvals: []useraction.Signed{{}, approval}})
		if err != nil || share.Statement.ActionHash != action.ID() {
			t.Errorf("signer %v: %v", one.Info().ID, err)
		}
	}
	again := c.signExport(t, key)
	if _, err := c.signers[0].Export(context.Background(), signer.Request{Action: again, Approvals: []useraction.Signed{approval}}); !errors.Is(err, signer.ErrApproval) {
		t.Errorf("one approval for two exports: %v", err)
	}
}
