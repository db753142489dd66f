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
	id, err := s.Identifiers.Identify(input, r.Payload)
	if err != nil {
		return Issued{}, err
	}
	return Issued{ID: id, Input: input, Credentials: credentials}, nil
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
	input, payload, err := s.Identifiers.open(r.ID)
	if err != nil {
		return "", ErrBadChallenge.Because(err)
	}
	if !belongs(input, p) || !s.Now().Before(input.ExpiresAt.Time()) {
		return "", ErrBadChallenge
	}
	signed, err := s.verify(ctx, p, input, payload, r)
	if err != nil {
		return "", err
	}
	token := newToken()
	action := Action{Signed: signed, TokenHash: sha256.Sum256([]byte(token))}
	if err := s.Actions.AddAction(ctx, action); errors.Is(err, ErrAnswered) {
		return "", ErrBadChallenge.Because(err)
	} else if err != nil {
		return "", fmt.Errorf("storing action: %w", err)
	}
	return token, nil
}

func (s *Service) verify(ctx context.Context, p identity.Principal, in challenge.Input, payload string, r Response) (Signed, error) {
	credentials, err := s.usable(ctx, p)
	if err != nil {
		return Signed{}, err
	}
	i := slices.IndexFunc(credentials, func(c identity.Credential) bool { return c.ID == r.Credential && c.Kind == r.Kind })
	if i < 0 {
		return Signed{}, ErrNoCredential
	}
	signed, err := r.signed(in, payload)
	if err != nil {
		return Signed{}, err
	}
	if _, err := signed.Verify(s.trust(credentials[i])); err != nil {
		return Signed{}, ErrBadAssertion.Because(err)
	}
	return signed, nil
}

func (s *Service) trust(c identity.Credential) Trust {
	return Trust{Deployment: s.Deployment, Credential: c, RelyingParty: s.RelyingParty, Now: s.Now(), Verified: s.Verified}
}

// signed decodes what the response says. What the client left out stays nil.
func (r Response) signed(in challenge.Input, payload string) (Signed, error) {
	s := Signed{Input: in, Payload: payload, Credential: r.Credential, Kind: r.Kind}
	for _, member := range []struct {
		name, text string
		into       *[]byte
	}{
		{"clientData", r.ClientData, &s.ClientData},
		{"authenticatorData", r.AuthenticatorData, &s.AuthenticatorData},
		{"signature", r.Signature, &s.Signature},
	} {
		if member.text == "" {
			continue
		}
		decoded, err := decodeBase64URL(member.text)
		if err != nil {
			return Signed{}, badRequest(member.name + ": " + err.Error())
		}
		*member.into = decoded
	}
	return s, nil
}

// newToken returns 256 random bits in letters that any HTTP header takes.
func newToken() string {
	var random [32]byte
	rand.Read(random[:])
	return "ua-" + base64.RawURLEncoding.EncodeToString(random[:])
}

func belongs(in challenge.Input, p identity.Principal) bool {
	return !p.IsZero() && in.Organisation == string(p.Org()) && in.User == string(p.User())
}
