package node

import (
	"context"
	"errors"
	"slices"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares"
)

// Trust is whom a node believes. In a server's own process it is the server's
// database: that protects nothing against the server itself.
type Trust interface {
	// Credential returns a credential of the organisation as it is now, or an error
	// for which errors.Is(err, ErrNoCredential).
	Credential(ctx context.Context, org identity.OrgID, id identity.CredentialID) (identity.Credential, error)
	// Rules returns what the organisation, which is one that has a credential, allows
	// to be done with its keys.
	Rules(ctx context.Context, org identity.OrgID) (Rules, error)
}

// ErrNoCredential is what a [Trust] returns for a credential that it does not have.
var ErrNoCredential = errors.New("node: no such credential")

// Rules is what an organisation allows to be done with its keys. The zero Rules allow
// imports of any kind and no export.
type Rules struct {
	ExportActive bool
	Schemes      []shares.Scheme         // nil: all
	MinSigners   int                     // the fewest that a key may need
	RelyingParty useraction.RelyingParty // if zero, Fido2 credentials are not trusted
	Approvals    int                     // that an export needs, of other users
	// MayApprove tells which credentials approvals may be signed with; nil: none.
	MayApprove func(identity.CredentialID) bool
}

// allow checks a key against the rules.
func (r Rules) allow(scheme shares.Scheme, minSigners int) error {
	if r.Schemes != nil && !slices.Contains(r.Schemes, scheme) {
		return signer.ErrSchemeForbidden
	}
	if minSigners < r.MinSigners {
		return signer.ErrFloor
	}
	return nil
}

// allowExport holds keys that were imported under other rules to those of today, too.
func (r Rules) allowExport(share Share) error {
	if !r.ExportActive {
		return signer.ErrNotActivated
	}
	return r.allow(share.Scheme, share.MinSigners)
}

// allowApproval is asked of a credential that signed an approval.
func (r Rules) allowApproval(id identity.CredentialID) bool {
	return r.MayApprove != nil && r.MayApprove(id)
}
