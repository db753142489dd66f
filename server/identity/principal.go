package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyferry/server/fault"
)

var (
	// ErrNotAuthorized is for every token that is missing, malformed, forged,
	// expired or revoked: the caller is not told which.
	ErrNotAuthorized = fault.New(fault.Unauthenticated, "token.invalid", "Not Authorized.")
	// ErrDeactivated is for the valid token of a user who was switched off.
	ErrDeactivated = fault.New(fault.Invalid, "user.deactivated", "User account has been deactivated.")
)

// Principal is an authenticated caller. Only [Authenticator.Authenticate] makes one;
// the zero value is nobody and is refused by every later stage.
type Principal struct {
	user  User
	token TokenID
}

// IsZero tells whether p is nobody.
func (p Principal) IsZero() bool { return p.token == "" }

// Org returns the organisation that p acts for.
func (p Principal) Org() OrgID { return p.user.Org }

// User returns the user who p is.
func (p Principal) User() UserID { return p.user.ID }

// Kind returns the kind of user.
func (p Principal) Kind() UserKind { return p.user.Kind }

// Token returns the id of the token that p presented.
func (p Principal) Token() TokenID { return p.token }

// May tells whether p holds the permission.
func (p Principal) May(permission Permission) bool { return p.user.May(permission) }

// Token is the service's record of an access token that it issued.
type Token struct {
	ID        TokenID
	Org       OrgID
	User      UserID
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero: not revoked
}

// ErrUnknownToken is what an [Accounts] returns for a token that it does not have.
var ErrUnknownToken = errors.New("identity: unknown token")

// Accounts looks tokens up. It is asked on every request, so that a revocation
// holds from the next request on. Implementations are safe for concurrent use.
type Accounts interface {
	// TokenOwner returns the token's record and its user as they are now, or
	// ErrUnknownToken.
	TokenOwner(ctx context.Context, id TokenID) (Token, User, error)
}

// Authenticator turns bearer tokens into principals.
type Authenticator struct {
	tokens   *Tokens
	accounts Accounts
}

// NewAuthenticator returns an Authenticator for the tokens that tokens issues.
func NewAuthenticator(tokens *Tokens, accounts Accounts) *Authenticator {
	return &Authenticator{tokens: tokens, accounts: accounts}
}

// Authenticate verifies a bearer token: its signature and life time, then what the
// accounts say of it now. Its errors are faults, or the accounts' own trouble.
func (a *Authenticator) Authenticate(ctx context.Context, bearer string) (Principal, error) {
	claims, err := a.tokens.verify(bearer)
	if err != nil {
		return Principal{}, ErrNotAuthorized.Because(err)
	}
	token, user, err := a.accounts.TokenOwner(ctx, claims.token)
	if errors.Is(err, ErrUnknownToken) {
		return Principal{}, ErrNotAuthorized.Because(err)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("looking up token %s: %w", claims.token, err)
	}
	if err := claims.match(token, user); err != nil {
		return Principal{}, ErrNotAuthorized.Because(err)
	}
	if !user.Active {
		return Principal{}, ErrDeactivated
	}
	return Principal{user: user, token: token.ID}, nil
}

// match compares what the token says with what the accounts say. They can differ
// only where the accounts were restored or edited, and then the token is void.
func (c claims) match(token Token, user User) error {
	switch {
	case !token.RevokedAt.IsZero():
		return fmt.Errorf("token %s was revoked", token.ID)
	case c.token != token.ID, c.user != token.User, c.user != user.ID, c.org != token.Org, c.org != user.Org:
		return fmt.Errorf("token %s names user %s of %s, its record %s of %s", c.token, c.user, c.org, token.User, token.Org)
	}
	return nil
}
