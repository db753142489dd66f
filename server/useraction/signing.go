package useraction

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
)

// Issued is a fresh challenge, with its input and who may sign it.
type Issued struct {
	ID          string
	Input       challenge.Input
	Credentials []identity.Credential
}

// Init issues a challenge for the request that the principal is about to make.
func (s *Service) Init(ctx context.Context, p identity.Principal, r challenge.Request) (Issued, error) {
	if p.IsZero() {
		return Issued{}, errors.New("useraction: nobody")
	}
	if !slices.Contains([]string{"POST", "PUT", "DELETE", "GET"}, r.Method) {
		return Issued{}, badRequest("userActionHttpMethod must be POST, PUT, DELETE or GET")
	}
	input, err := challenge.New(s.Deployment, string(p.Org()), string(p.User()), r, s.Now(), s.Window)
	if errors.Is(err, challenge.ErrPath) {
		return Issued{}, badRequest("userActionHttpPath is not a path of this API")
	}
	if err != nil {
		return Issued{}, err
	}
	credentials, err := s.usable(ctx, p)
	if err != nil {
		return Issued{}, err
	}
	action := Action{ID: identity.NewID("ch"), Input: input, Payload: r.Payload}
	if err := s.Actions.AddAction(ctx, action); err != nil {
		return Issued{}, fmt.Errorf("storing action: %w", err)
	}
	return Issued{ID: action.ID, Input: input, Credentials: credentials}, nil
}

func badRequest(message string) error {
	return fault.New(fault.Invalid, ErrBadRequest.Reason, message)
}

func (s *Service) usable(ctx context.Context, p identity.Principal) ([]identity.Credential, error) {
	all, err := s.Credentials.CredentialsOf(ctx, p.Org(), p.User())
	if err != nil {
		return nil, fmt.Errorf("looking up credentials: %w", err)
	}
	active := slices.DeleteFunc(all, func(c identity.Credential) bool { return !c.Active })
	if len(active) == 0 {
		return nil, ErrNoCredential
	}
	return active, nil
}

// Response is a client's answer to a challenge, as it stands in the request.
type Response struct {
	ID         string
	Kind       identity.CredentialKind
	Credential identity.CredentialID
	ClientData string // unpadded base64url, as the members below
	// AuthenticatorData is empty but for Fido2Credential.
	AuthenticatorData string
	Signature         string
}

// Complete verifies the answer to a challenge and returns the userAction token that
// the request itself must carry.
func (s *Service) Complete(ctx context.Context, p identity.Principal, r Response) (string, error) {
	action, err := s.Actions.ActionByID(ctx, r.ID)
	if errors.Is(err, ErrNoAction) {
		return "", ErrBadChallenge.Because(err)
	}
	if err != nil {
		return "", fmt.Errorf("looking up action: %w", err)
	}
	if !belongs(action, p) || action.Signed != nil || !s.Now().Before(action.Input.ExpiresAt.Time()) {
		return "", ErrBadChallenge
	}
	assertion, err := s.verify(ctx, p, action, r)
	if err != nil {
		return "", err
	}
	token := newToken()
	assertion.TokenHash = sha256.Sum256([]byte(token))
	if err := s.Actions.CompleteAction(ctx, action.ID, assertion); errors.Is(err, ErrNoAction) {
		return "", ErrBadChallenge.Because(err)
	} else if err != nil {
		return "", fmt.Errorf("completing action: %w", err)
	}
	return token, nil
}

func (s *Service) verify(ctx context.Context, p identity.Principal, action Action, r Response) (Assertion, error) {
	credentials, err := s.usable(ctx, p)
	if err != nil {
		return Assertion{}, err
	}
	i := slices.IndexFunc(credentials, func(c identity.Credential) bool { return c.ID == r.Credential && c.Kind == r.Kind })
	if i < 0 {
		return Assertion{}, ErrNoCredential
	}
	assertion, err := r.assertion()
	if err != nil {
		return Assertion{}, err
	}
	signed := signedAction(action, assertion)
	if _, err := signed.Verify(s.trust(credentials[i])); err != nil {
		return Assertion{}, ErrBadAssertion.Because(err)
	}
	return assertion, nil
}

func (s *Service) trust(c identity.Credential) Trust {
	return Trust{Deployment: s.Deployment, Credential: c, RelyingParty: s.RelyingParty, Now: s.Now(), Verified: s.Verified}
}

// assertion decodes what the response says. What the client left out stays nil.
func (r Response) assertion() (Assertion, error) {
	a := Assertion{Credential: r.Credential, Kind: r.Kind}
	for _, member := range []struct {
		name, text string
		into       *[]byte
	}{
		{"clientData", r.ClientData, &a.ClientData},
		{"authenticatorData", r.AuthenticatorData, &a.AuthenticatorData},
		{"signature", r.Signature, &a.Signature},
	} {
		if member.text == "" {
			continue
		}
		decoded, err := decodeBase64URL(member.text)
		if err != nil {
			return Assertion{}, badRequest(member.name + ": " + err.Error())
		}
		*member.into = decoded
	}
	return a, nil
}

// newToken returns 256 random bits in letters that any HTTP header takes.
func newToken() string {
	var random [32]byte
	rand.Read(random[:])
	return "ua-" + base64.RawURLEncoding.EncodeToString(random[:])
}

func belongs(a Action, p identity.Principal) bool {
	return !p.IsZero() && a.Input.Organisation == string(p.Org()) && a.Input.User == string(p.User())
}

func signedAction(a Action, by Assertion) Signed {
	return Signed{
		Input: a.Input, Payload: a.Payload,
		Credential: by.Credential, Kind: by.Kind,
		ClientData: by.ClientData, AuthenticatorData: by.AuthenticatorData, Signature: by.Signature,
	}
}
