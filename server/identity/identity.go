// Package identity knows who is who: organisations, their users with permissions,
// the credentials that users sign with, and the access tokens that they present.
//
// It is the first stage of a request. [Authenticator.Authenticate] turns a bearer
// token into a [Principal], which cannot be made in any other way; every later
// stage takes the organisation and the user from there and never from the request.
//
// The package does not decide what a principal may do (server/policy) and does not
// verify signatures of credentials (server/useraction).
package identity

import (
	"slices"
	"time"
)

// The identifiers of this package. See [NewID] for their form. A credential's is
// chosen by whoever registers it and is compared as a string.
type (
	OrgID        string
	UserID       string
	CredentialID string
	TokenID      string
)

// Organisation owns users and keys. Nothing of one organisation is visible to
// another.
type Organisation struct {
	ID        OrgID
	Name      string
	CreatedAt time.Time
	Export    *Activation // nil: key export is not activated
}

// Activation is the operator's record that an organisation signed the addendum that
// key export needs.
type Activation struct {
	Reference string // of the signed addendum
	At        time.Time
}

// UserKind tells people from programs.
type UserKind string

// The kinds of users, as the API names them.
const (
	ServiceAccount UserKind = "ServiceAccount"
	Employee       UserKind = "CustomerEmployee"
	EndUser        UserKind = "EndUser"
)

// User acts for an organisation.
type User struct {
	ID          UserID
	Org         OrgID
	Kind        UserKind
	Name        string
	Active      bool
	Permissions []Permission
	CreatedAt   time.Time
}

// Permission names one operation that a user may be allowed.
type Permission string

// The permissions that this service knows.
const (
	KeysExport    Permission = "Keys:Export"
	KeysImport    Permission = "Keys:Import"
	KeysRead      Permission = "Keys:Read"
	ListSigners   Permission = "Signers:ListSigners"
	WalletsExport Permission = "Wallets:Export" // the older clients' name of Keys:Export
)

// Permissions lists all of them.
func Permissions() []Permission {
	return []Permission{KeysExport, KeysImport, KeysRead, ListSigners, WalletsExport}
}

// Allows tells whether holding p is enough where q is asked for: they are the same,
// or two names of one permission. Permissions are kept as they were granted.
func (p Permission) Allows(q Permission) bool { return p.current() == q.current() }

func (p Permission) current() Permission {
	if p == WalletsExport {
		return KeysExport
	}
	return p
}

// May tells whether the user holds the permission, under any of its names.
func (u User) May(p Permission) bool { return slices.ContainsFunc(u.Permissions, p.Allows) }
