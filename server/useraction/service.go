package useraction

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
)

// The refusals of this package. Each stands for several causes on purpose.
var (
	ErrBadRequest   = fault.New(fault.Invalid, "action.malformed", "the user action request is not valid")
	ErrNoCredential = fault.New(fault.Unauthenticated, "action.no-credential", "User does not have a credential that can be used for the application.")
	ErrBadChallenge = fault.New(fault.Invalid, "challenge.invalid", "Challenge token is not valid.")
	ErrBadAssertion = fault.New(fault.Unauthenticated, "action.assertion", "The signature over the challenge is not valid.")
	ErrMissing      = fault.New(fault.Forbidden, "action.missing", "user action signature is missing or invalid")
	ErrUnknown      = fault.New(fault.Forbidden, "action.unknown", "user action signature is missing or invalid")
	ErrForeign      = fault.New(fault.Forbidden, "action.foreign", "user action signature is missing or invalid")
	ErrExpired      = fault.New(fault.Forbidden, "action.expired", "user action signature is missing or invalid")
	ErrOtherRequest = fault.New(fault.Forbidden, "action.other-request", "user action signature is missing or invalid")
	ErrRevoked      = fault.New(fault.Forbidden, "action.credential-revoked", "user action signature is missing or invalid")
	ErrCounter      = fault.New(fault.Unauthenticated, "action.counter", ErrBadAssertion.Message)
	ErrReplayed     = fault.New(fault.Invalid, "action.replayed", "user action has already been used")
)

// Action is the server's record of a signed action.
type Action struct {
	Signed
	TokenHash [32]byte // SHA-256 of the userAction token: the token itself is not stored
	Used      bool
}

// What an [Actions] returns.
var (
	ErrNoAction = errors.New("useraction: no such action")
	ErrAnswered = errors.New("useraction: the challenge was answered before")
)

// Actions keeps signed actions until they are used. Implementations are safe for
// concurrent use and lose no action that they acknowledged.
type Actions interface {
	// AddAction stores an action whose challenge nobody has answered before, or returns
	// ErrAnswered: of two that race, one wins. Together with that it sets the
	// credential's counter to the action's, if it has one (Signed.Counter). The counter
	// must grow, or ErrCounter: else two authenticators have the same key. A counter
	// that is 0 and stays so is an authenticator's that does not count.
	AddAction(ctx context.Context, a Action) error
	// ActionByToken returns an action by its token's hash, or ErrNoAction.
	ActionByToken(ctx context.Context, hash [32]byte) (Action, error)
}

// Credentials looks credentials up. Revoked ones are returned too, not Active.
type Credentials interface {
	// CredentialsOf returns the credentials of a user, oldest first.
	CredentialsOf(ctx context.Context, org identity.OrgID, user identity.UserID) ([]identity.Credential, error)
}

// Config is what a [Service] needs.
type Config struct {
	Deployment   string
	Identifiers  *Identifiers
	Actions      Actions
	Credentials  Credentials
	RelyingParty RelyingParty  // if zero, Fido2 credentials cannot sign
	Window       time.Duration // from issue to expiry, at most challenge.MaxWindow
	Now          func() time.Time
	Verified     *Verified // shared with other verifiers of the process; may be nil
}

// Service issues challenges and verifies user actions for the API server.
type Service struct{ Config }

// New checks the configuration.
func New(c Config) (*Service, error) {
	if c.Deployment == "" || c.Identifiers == nil || c.Actions == nil || c.Credentials == nil || c.Now == nil {
		return nil, errors.New("useraction: incomplete configuration")
	}
	if c.Window <= 0 || c.Window > challenge.MaxWindow {
		return nil, fmt.Errorf("useraction: the window %v is not within 0 and %v", c.Window, challenge.MaxWindow)
	}
	return &Service{c}, nil
}
