// Package documents lets a node go by trust documents: it stands between the two
// packages that do not know each other. Package trust calls nothing into C, so that
// roots and their documents can be handled where there is no token.
package documents

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/identity"
	"keyferry/server/signer/node"
	"keyferry/server/signer/trust"
)

// Trust is trust documents as a node asks for them.
type Trust struct{ *trust.Trust }

var _ node.Trust = Trust{}

// Credential implements [node.Trust].
func (t Trust) Credential(ctx context.Context, org identity.OrgID, id identity.CredentialID) (identity.Credential, error) {
	credential, err := t.Trust.Credential(ctx, org, id)
	if errors.Is(err, trust.ErrNoCredential) {
		err = fmt.Errorf("%w: %w", node.ErrNoCredential, err)
	}
	return credential, err
}

// Rules implements [node.Trust].
func (t Trust) Rules(ctx context.Context, org identity.OrgID) (node.Rules, error) {
	rules, err := t.Trust.Rules(ctx, org)
	return node.Rules(rules), err
}
