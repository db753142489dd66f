// Package policy decides. Its functions are pure: what is decided on is handed in,
// and nothing is looked up, changed or recorded.
//
// Decisions that need a user's consent return a grant, whose fields are unexported:
// server/transfer takes nothing else, so that no export can run that was not
// decided here, on a [useraction.Proof].
package policy

import (
	"errors"
	"fmt"

	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/useraction"
)

var (
	// ErrNotActivated refuses exports of an organisation that has not signed for
	// them.
	ErrNotActivated = fault.New(fault.Forbidden, "export.not-activated", "key export is not activated for this organisation")
	// ErrArchived refuses exports of keys that are no longer in use.
	ErrArchived = fault.New(fault.Invalid, "key.not-active", "the key is not active")
	// ErrPermission is the reason of every missing permission; compare with errors.Is.
	ErrPermission = fault.New(fault.Forbidden, "permission.missing", "not authorized")
)

// errNobody is for zero values: a stage was left out, which is a programming error.
var errNobody = errors.New("policy: a stage was left out")

// May decides whether the principal may do what needs no signed consent.
func May(p identity.Principal, permission identity.Permission) error {
	if p.IsZero() {
		return errNobody
	}
	if !p.May(permission) {
		message := fmt.Sprintf("%s %s is not authorized to perform operation (%s)", p.Kind(), p.User(), permission)
		return fault.New(ErrPermission.Kind, ErrPermission.Reason, message)
	}
	return nil
}

// ExportGrant allows one export of one key.
type ExportGrant struct {
	proof useraction.Proof
	key   keyring.Key
}

// IsZero tells whether g grants nothing.
func (g ExportGrant) IsZero() bool { return g.proof.IsZero() }

// Proof is what the grant was given on.
func (g ExportGrant) Proof() useraction.Proof { return g.proof }

// Key is the key that may be exported.
func (g ExportGrant) Key() keyring.Key { return g.key }

// DecideExport decides on an export of key by the principal behind the proof, who
// belongs to org.
func DecideExport(proof useraction.Proof, org identity.Organisation, key keyring.Key) (ExportGrant, error) {
	if proof.IsZero() {
		return ExportGrant{}, errNobody
	}
	p := proof.Principal()
	switch err := May(p, identity.KeysExport); {
	case err != nil:
		return ExportGrant{}, err
	case org.ID != p.Org():
		return ExportGrant{}, errNobody
	case key.Org != p.Org():
		return ExportGrant{}, keyring.ErrNotFound
	case org.Export == nil:
		return ExportGrant{}, ErrNotActivated
	case key.Status != keyring.Active:
		return ExportGrant{}, ErrArchived
	}
	return ExportGrant{proof: proof, key: key}, nil
}

// ImportGrant allows one import.
type ImportGrant struct {
	proof useraction.Proof
}

// IsZero tells whether g grants nothing.
func (g ImportGrant) IsZero() bool { return g.proof.IsZero() }

// Proof is what the grant was given on.
func (g ImportGrant) Proof() useraction.Proof { return g.proof }

// DecideImport decides on an import by the principal behind the proof.
func DecideImport(proof useraction.Proof) (ImportGrant, error) {
	if proof.IsZero() {
		return ImportGrant{}, errNobody
	}
	if err := May(proof.Principal(), identity.KeysImport); err != nil {
		return ImportGrant{}, err
	}
	return ImportGrant{proof: proof}, nil
}
