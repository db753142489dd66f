// Package admin is the operator's use cases: organisations and their activation for
// key export, accounts with their permissions, credentials and access tokens.
//
// They are reached from the command line of the host only, never through the API.
// Each change is recorded in the transaction that makes it.
package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/identity"
)

var (
	// ErrNotFound is what a [Registry] returns for what it does not have.
	ErrNotFound = errors.New("there is no such organisation, account, credential or token")
	// ErrChanged is what a [Registry] returns for a user whom somebody else changed in
	// between.
	ErrChanged = errors.New("somebody else changed the account at the same time")
	// ErrExists is what a [Registry] returns for a credential id that is taken.
	ErrExists = errors.New("a credential with this id exists already")
)

// Registry keeps what this package changes. Every change is one transaction, on disk
// when it returns, together with its audit entry.
type Registry interface {
	Organisations(ctx context.Context) ([]identity.Organisation, error)
	Users(ctx context.Context, org identity.OrgID) ([]identity.User, error)
	// User returns one user, or ErrNotFound.
	User(ctx context.Context, id identity.UserID) (identity.User, error)
	CredentialsOf(ctx context.Context, org identity.OrgID, user identity.UserID) ([]identity.Credential, error)

	AddOrganisation(ctx context.Context, org identity.Organisation, entry audit.Entry) error
	// SetActivation sets or, with nil, removes an organisation's activation, or
	// ErrNotFound.
	SetActivation(ctx context.Context, org identity.OrgID, activation *identity.Activation, entry audit.Entry) error
	AddUser(ctx context.Context, user identity.User, entry audit.Entry) error
	// UpdateUser replaces what can change of a user (activity and permissions) if it
	// still is what it was, or ErrChanged.
	UpdateUser(ctx context.Context, was, is identity.User, entry audit.Entry) error
	// AddCredential adds a credential, or ErrExists.
	AddCredential(ctx context.Context, c identity.Credential, entry audit.Entry) error
	// RevokeCredential revokes a credential for ever, or ErrNotFound.
	RevokeCredential(ctx context.Context, org identity.OrgID, id identity.CredentialID, entry audit.Entry) error
	AddToken(ctx context.Context, token identity.Token, entry audit.Entry) error
	// RevokeToken revokes a token for ever, or ErrNotFound.
	RevokeToken(ctx context.Context, id identity.TokenID, at time.Time, entry audit.Entry) error
}

// Office runs the use cases.
type Office struct {
	registry Registry
	tokens   *identity.Tokens
	now      func() time.Time
}

// New returns an Office over a registry, issuing tokens of the deployment.
func New(registry Registry, tokens *identity.Tokens, now func() time.Time) *Office {
	return &Office{registry: registry, tokens: tokens, now: now}
}

// time is what is stored: milliseconds.
func (o *Office) time() time.Time { return o.now().UTC().Truncate(time.Millisecond) }

func (o *Office) entry(kind audit.Kind, org identity.OrgID, details map[string]string) audit.Entry {
	return audit.Entry{Time: challenge.MillisOf(o.now()), Kind: kind, Org: org, Details: details}
}

// Organisations lists all organisations.
func (o *Office) Organisations(ctx context.Context) ([]identity.Organisation, error) {
	return o.registry.Organisations(ctx)
}

// CreateOrganisation adds an organisation for which key export is not activated.
func (o *Office) CreateOrganisation(ctx context.Context, name string) (identity.Organisation, error) {
	if err := checkName(name); err != nil {
		return identity.Organisation{}, err
	}
	org := identity.Organisation{ID: identity.OrgID(identity.NewID("or")), Name: name, CreatedAt: o.time()}
	return org, o.registry.AddOrganisation(ctx, org, o.entry(audit.OrganisationMade, org.ID, map[string]string{"name": name}))
}

// ActivateExport activates key export for an organisation. The reference is to the
// addendum that it signed.
func (o *Office) ActivateExport(ctx context.Context, org identity.OrgID, reference string) error {
	if strings.TrimSpace(reference) == "" {
		return errors.New("activation needs the reference of the signed addendum")
	}
	entry := o.entry(audit.ExportActivated, org, map[string]string{"reference": reference})
	return o.registry.SetActivation(ctx, org, &identity.Activation{Reference: reference, At: o.time()}, entry)
}

// DeactivateExport takes the activation back.
func (o *Office) DeactivateExport(ctx context.Context, org identity.OrgID) error {
	return o.registry.SetActivation(ctx, org, nil, o.entry(audit.ExportDeactivated, org, nil))
}

// Accounts lists an organisation's users.
func (o *Office) Accounts(ctx context.Context, org identity.OrgID) ([]identity.User, error) {
	return o.registry.Users(ctx, org)
}

// CreateServiceAccount adds an active service account without permissions.
func (o *Office) CreateServiceAccount(ctx context.Context, org identity.OrgID, name string) (identity.User, error) {
	if err := checkName(name); err != nil {
		return identity.User{}, err
	}
	user := identity.User{
		ID: identity.UserID(identity.NewID("us")), Org: org, Kind: identity.ServiceAccount, Name: name, Active: true, CreatedAt: o.time(),
	}
	entry := o.entry(audit.UserMade, org, map[string]string{"name": name, "kind": string(user.Kind)})
	entry.User = user.ID
	return user, o.registry.AddUser(ctx, user, entry)
}

// SetActive switches an account on or off.
func (o *Office) SetActive(ctx context.Context, id identity.UserID, active bool) error {
	return o.change(ctx, id, audit.UserChanged, map[string]string{"active": fmt.Sprint(active)}, func(u *identity.User) { u.Active = active })
}

// Grant adds permissions to an account.
func (o *Office) Grant(ctx context.Context, id identity.UserID, permissions ...identity.Permission) error {
	if err := checkPermissions(permissions); err != nil {
		return err
	}
	return o.change(ctx, id, audit.PermissionsChanged, map[string]string{"granted": join(permissions)}, func(u *identity.User) {
		u.Permissions = append(u.Permissions, permissions...)
		slices.Sort(u.Permissions)
		u.Permissions = slices.Compact(u.Permissions)
	})
}

// Revoke takes permissions from an account, under whichever name they were granted.
func (o *Office) Revoke(ctx context.Context, id identity.UserID, permissions ...identity.Permission) error {
	if err := checkPermissions(permissions); err != nil {
		return err
	}
	return o.change(ctx, id, audit.PermissionsChanged, map[string]string{"revoked": join(permissions)}, func(u *identity.User) {
		u.Permissions = slices.DeleteFunc(u.Permissions, func(held identity.Permission) bool {
			return slices.ContainsFunc(permissions, held.Allows)
		})
	})
}

// change reads, changes and writes back, and begins again where somebody else was
// faster: neither's change may undo the other's.
func (o *Office) change(ctx context.Context, id identity.UserID, kind audit.Kind, details map[string]string, change func(*identity.User)) error {
	const attempts = 5
	var err error
	for range attempts {
		var was identity.User
		if was, err = o.registry.User(ctx, id); err != nil {
			return err
		}
		is := was
		is.Permissions = slices.Clone(was.Permissions)
		change(&is)
		entry := o.entry(kind, was.Org, details)
		entry.User = was.ID
		if err = o.registry.UpdateUser(ctx, was, is, entry); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return err
}

// IssueToken makes an access token for the account. The token is returned once and
// not stored.
func (o *Office) IssueToken(ctx context.Context, id identity.UserID, lifetime time.Duration) (string, identity.Token, error) {
	user, err := o.registry.User(ctx, id)
	if err != nil {
		return "", identity.Token{}, err
	}
	text, token, err := o.tokens.Issue(user, lifetime)
	if err != nil {
		return "", identity.Token{}, err
	}
	entry := o.entry(audit.TokenIssued, user.Org, nil)
	entry.User, entry.Token = user.ID, token.ID
	if err := o.registry.AddToken(ctx, token, entry); err != nil {
		return "", identity.Token{}, err
	}
	return text, token, nil
}

// RevokeToken ends a token for ever.
func (o *Office) RevokeToken(ctx context.Context, id identity.TokenID) error {
	entry := o.entry(audit.TokenRevoked, "", nil)
	entry.Token = id
	return o.registry.RevokeToken(ctx, id, o.time(), entry)
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" || len(name) > 200 {
		return errors.New("a name has 1 to 200 bytes")
	}
	return nil
}

func checkPermissions(permissions []identity.Permission) error {
	for _, p := range permissions {
		if !slices.Contains(identity.Permissions(), p) {
			return fmt.Errorf("unknown permission %q; known are %s", p, join(identity.Permissions()))
		}
	}
	if len(permissions) == 0 {
		return errors.New("no permission was named")
	}
	return nil
}

func join(permissions []identity.Permission) string {
	texts := make([]string, len(permissions))
	for i, p := range permissions {
		texts[i] = string(p)
	}
	return strings.Join(texts, " ")
}
