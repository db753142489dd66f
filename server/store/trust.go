package store

import (
	"context"

	"keyferry/server/identity"
	"keyferry/server/signer/node"
	"keyferry/server/useraction"
)

// Trust is the trust of signers inside the server's own process: what is in the
// server's database. It protects nothing against the server itself. What all of them
// ask for at the same time is looked up once.
type Trust struct {
	*Server
	RelyingParty useraction.RelyingParty // of all organisations
}

var _ node.Trust = Trust{}

// credentialName names a credential: ids are an organisation's own.
type credentialName struct {
	org identity.OrgID
	id  identity.CredentialID
}

// Credential implements [node.Trust].
func (t Trust) Credential(ctx context.Context, org identity.OrgID, id identity.CredentialID) (identity.Credential, error) {
	return t.credentials.get(ctx, credentialName{org, id}, func(ctx context.Context) (identity.Credential, error) {
		return t.Server.Credential(ctx, org, id)
	})
}

// Rules implements [node.Trust]: what the operator has set for an organisation.
func (t Trust) Rules(ctx context.Context, org identity.OrgID) (node.Rules, error) {
	o, err := t.organisations.get(ctx, org, func(ctx context.Context) (identity.Organisation, error) {
		return t.Organisation(ctx, org)
	})
	if err != nil {
		return node.Rules{}, err
	}
	return node.Rules{ExportActive: o.Export != nil, RelyingParty: t.RelyingParty}, nil
}
