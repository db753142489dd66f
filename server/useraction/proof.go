package useraction

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/strictjson"
)

// Proof says that the principal's signed consent to the request at hand was
// presented. Only [Service.Verify] makes one. It is not yet redeemed: that happens,
// once, together with the record of what it allowed.
type Proof struct {
	principal identity.Principal
	signed    Signed
}

// IsZero tells whether p proves nothing.
func (p Proof) IsZero() bool { return p.signed.Signature == nil }

// Principal is the caller.
func (p Proof) Principal() identity.Principal { return p.principal }

// ActionID names the action in all records: its challenge's hash, in hex.
func (p Proof) ActionID() string { return p.signed.ID().String() }

// Signed is the action for the signers.
func (p Proof) Signed() Signed { return p.signed }

// Verify matches a request with the user action that it carries. The action must be
// this principal's, unexpired, unused, and about this method, path and body. Bodies
// are compared by their bytes or else as JSON values, since one official client
// writes its body anew after signing it.
func (s *Service) Verify(ctx context.Context, p identity.Principal, token string, r challenge.Request) (Proof, error) {
	if p.IsZero() {
		return Proof{}, errors.New("useraction: nobody")
	}
	if strings.TrimSpace(token) == "" {
		return Proof{}, ErrMissing
	}
	action, err := s.Actions.ActionByToken(ctx, sha256.Sum256([]byte(token)))
	if errors.Is(err, ErrNoAction) {
		return Proof{}, ErrUnknown
	}
	if err != nil {
		return Proof{}, fmt.Errorf("looking up action: %w", err)
	}
	if err := s.checkUse(action, p, r); err != nil {
		return Proof{}, err
	}
	if err := s.checkCredential(ctx, action, p); err != nil {
		return Proof{}, err
	}
	return Proof{principal: p, signed: action.Signed}, nil
}

// checkCredential refuses an action whose credential was revoked since it signed.
func (s *Service) checkCredential(ctx context.Context, action Action, p identity.Principal) error {
	usable, err := s.usable(ctx, p)
	if err != nil && !errors.Is(err, ErrNoCredential) {
		return err
	}
	if !slices.ContainsFunc(usable, func(c identity.Credential) bool { return c.ID == action.Credential }) {
		return ErrRevoked
	}
	return nil
}

func (s *Service) checkUse(action Action, p identity.Principal, r challenge.Request) error {
	switch {
	case !belongs(action.Input, p):
		return ErrForeign
	case action.Used:
		return ErrReplayed
	case !s.Now().Before(action.Input.ExpiresAt.Time()):
		return ErrExpired
	}
	path, err := challenge.NormalPath(r.Path)
	if err != nil || action.Input.Method != r.Method || action.Input.Path != path {
		return ErrOtherRequest
	}
	if r.Payload == action.Payload {
		return nil
	}
	same, err := strictjson.Equal([]byte(r.Payload), []byte(action.Payload))
	if err != nil || !same {
		return ErrOtherRequest.Because(err)
	}
	return nil
}
