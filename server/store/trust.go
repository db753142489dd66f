package store

import (
	"context"

	"keyferry/server/identity"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
)

// Trust is the trust of signers inside the server's own process: what is in the
// server's database. It protects nothing against the server itself.
type Trust struct {
	*Server
	RelyingParty useraction.RelyingParty // of all organisations
}

var _ node.Trust = Trust{}

// Rules implements [node.Trust]: what the operator has set for an organisation.
func (t Trust) Rules(ctx context.Context, org identity.OrgID) (node.Rules, error) {
	o, err := t.Organisation(ctx, org)
	if err != nil {
		return node.Rules{}, err
	}
	return node.Rules{ExportActive: o.Export != nil, RelyingParty: t.RelyingParty}, nil
}
