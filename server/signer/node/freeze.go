package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// Scope is what is frozen: everything, one organisation or one key. It is made by
// [Everything], [Organisation] or [Key], or read by [ParseScope].
type Scope struct{ text string }

// The written forms of scopes.
const (
	everything   = "all"
	orgPrefix    = "organisation:"
	keyPrefix    = "key:"
	maxScopeText = 128
)

// Everything is the scope of all that the signer does.
func Everything() Scope { return Scope{everything} }

// Organisation is the scope of one organisation and its keys.
func Organisation(id identity.OrgID) Scope { return Scope{orgPrefix + string(id)} }

// Key is the scope of one key.
func Key(id keyring.KeyID) Scope { return Scope{keyPrefix + string(id)} }

// ParseScope reads "all", "organisation:ID" or "key:ID".
func ParseScope(text string) (Scope, error) {
	org, isOrg := strings.CutPrefix(text, orgPrefix)
	key, isKey := strings.CutPrefix(text, keyPrefix)
	if len(text) <= maxScopeText && (text == everything || isOrg && org != "" || isKey && key != "") {
		return Scope{text}, nil
	}
	return Scope{}, errors.New(`a scope is "all", "organisation:ID" or "key:ID"`)
}

// String returns the written form.
func (s Scope) String() string { return s.text }

// Freeze is the record that a scope is frozen.
type Freeze struct {
	Scope Scope
	Since time.Time
}

// Freezes is the durable record of what is frozen. It is asked anew each time
// ([Moment].Frozen), so that another process of the operator's can write it.
type Freezes interface {
	// Freeze freezes a scope; one that is frozen stays so since its first time.
	Freeze(ctx context.Context, f Freeze, about ...audit.Entry) error
	// Thaw undoes it; a scope that is not frozen is no error.
	Thaw(ctx context.Context, s Scope, about ...audit.Entry) error
	// ListFreezes returns what is frozen, oldest first.
	ListFreezes(ctx context.Context) ([]Freeze, error)
}

// Freeze stops a scope at this signer, whatever users and servers ask for, until it is
// thawed. Nothing within the scope is opened that is asked for from now on; an export
// that is past its check already ends in its milliseconds.
func (n *Node) Freeze(ctx context.Context, s Scope) error {
	if _, err := ParseScope(s.text); err != nil {
		return fmt.Errorf("freezing: %w", err)
	}
	return n.Store.Freeze(ctx, Freeze{Scope: s, Since: n.Now()}, n.scopeEntry(audit.SignerFrozen, s))
}

// Thaw undoes Freeze for the very same scope: a key stays frozen while its
// organisation is.
func (n *Node) Thaw(ctx context.Context, s Scope) error {
	return n.Store.Thaw(ctx, s, n.scopeEntry(audit.SignerThawed, s))
}

// ListFreezes returns what is frozen, oldest first.
func (n *Node) ListFreezes(ctx context.Context) ([]Freeze, error) { return n.Store.ListFreezes(ctx) }

// checkFrozen refuses what is frozen, and all that it cannot tell of.
func checkFrozen(ctx context.Context, at Moment, org identity.OrgID, key keyring.KeyID) error {
	frozen, err := at.Frozen(ctx, org, key)
	if err != nil {
		return fmt.Errorf("looking for freezes: %w", err)
	}
	if frozen {
		return signer.ErrFrozen
	}
	return nil
}
