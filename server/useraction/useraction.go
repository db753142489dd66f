// Package useraction verifies that a user consented to one exact request.
//
// The way of an action, design in hand:
//
//	Service.Init      makes a challenge that commits to the request     → Issued
//	Service.Complete  takes the user's signature over it                → the userAction token
//	Service.Verify    matches a later request with the signed action    → Proof
//
// Nothing is stored before Complete: what a challenge is about stands in its identifier
// ([Identifiers]), which the client brings back.
//
// A [Proof] is the API server's; it is redeemed, once, in the transaction that
// records what it allowed (server/transfer). A [Signed] is what travels on to the
// signers: it is complete in itself, so that each signer calls [Signed.Verify] with
// keys that it trusts by its own record, and believes the server nothing. The
// result, a [Consent], has the request as the user signed it.
//
// What the user signs is defined in server/challenge.
package useraction

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/identity"
)

// ClockSkew is how far ahead of the verifier's clock an action may have been issued.
const ClockSkew = 30 * time.Second

// Signed is a user action with everything that is needed to verify it.
type Signed struct {
	Input      challenge.Input
	Payload    string // the request's body as the user signed it
	Credential identity.CredentialID
	Kind       identity.CredentialKind
	ClientData []byte // the JSON text that was signed
	// AuthenticatorData was signed before the client data; Fido2Credential only.
	AuthenticatorData []byte
	Signature         []byte
}

// ID names the action: the hash of its challenge's input.
func (s Signed) ID() challenge.Bytes { return s.Input.Hash() }

// Trust is what a verifier knows by its own record.
type Trust struct {
	Deployment   string
	Credential   identity.Credential // the one that Signed names
	RelyingParty RelyingParty        // for Fido2 credentials
	Now          time.Time           // by the verifier's own clock
	Verified     *Verified           // of the verifier's process; may be nil
}

// Consent is a verified user action: the request that the user wants. Only
// [Signed.Verify] makes one; the zero value is refused wherever one is taken.
type Consent struct {
	signed Signed
}

// IsZero tells whether c is no consent at all.
func (c Consent) IsZero() bool { return c.signed.Signature == nil }

// ID names the action.
func (c Consent) ID() challenge.Bytes { return c.signed.ID() }

// Org is the organisation of the credential that signed.
func (c Consent) Org() identity.OrgID { return identity.OrgID(c.signed.Input.Organisation) }

// User is the user who signed.
func (c Consent) User() identity.UserID { return identity.UserID(c.signed.Input.User) }

// Method is the HTTP method of the request.
func (c Consent) Method() string { return c.signed.Input.Method }

// Path is the normal path of the request.
func (c Consent) Path() string { return c.signed.Input.Path }

// Payload is the request's body as the user signed it.
func (c Consent) Payload() []byte { return []byte(c.signed.Payload) }

// ExpiresAt is when the consent ends.
func (c Consent) ExpiresAt() time.Time { return c.signed.Input.ExpiresAt.Time() }

// Signed returns the action that was verified.
func (c Consent) Signed() Signed { return c.signed }

// The ways in which an action is not a consent. They are for the record: callers
// of the API see one refusal for all of them.
var (
	ErrUntrusted    = errors.New("the credential is not trusted for this user")
	ErrWindow       = errors.New("the action is not valid at this time")
	ErrOtherPayload = errors.New("the payload is not the one that was signed")
	ErrClientData   = errors.New("the client data is not for this challenge")
	ErrAuthData     = errors.New("the authenticator data is not acceptable")
	ErrSignature    = errors.New("the signature is not valid")
)

// Verify checks the action against what the verifier trusts: the deployment, the
// credential and its owner, the time window, the payload's hash, the client data, an
// authenticator's data and the signature over both. It does not know whether the
// action was used before, nor what the authenticator's counter was then.
func (s Signed) Verify(trust Trust) (Consent, error) {
	for _, check := range []func(Trust) error{s.checkOwner, s.checkWindow, s.checkPayload, s.checkData, s.checkSignature} {
		if err := check(trust); err != nil {
			return Consent{}, err
		}
	}
	return Consent{signed: s}, nil
}

func (s Signed) checkOwner(trust Trust) error {
	c, in := trust.Credential, s.Input
	switch {
	case in.Label != challenge.Label:
		return fmt.Errorf("%w: format %q", ErrUntrusted, in.Label)
	case trust.Deployment == "" || in.Deployment != trust.Deployment:
		return fmt.Errorf("%w: made for deployment %q", ErrUntrusted, in.Deployment)
	case c.ID == "" || c.ID != s.Credential || c.Kind != s.Kind:
		return fmt.Errorf("%w: %q", ErrUntrusted, s.Credential)
	case string(c.Org) != in.Organisation || string(c.User) != in.User:
		return fmt.Errorf("%w: credential %q belongs to another user", ErrUntrusted, c.ID)
	case !c.Active:
		return fmt.Errorf("%w: credential %q was revoked", ErrUntrusted, c.ID)
	}
	return nil
}

func (s Signed) checkWindow(trust Trust) error {
	issued, expires := s.Input.IssuedAt.Time(), s.Input.ExpiresAt.Time()
	switch {
	case expires.Sub(issued) > challenge.MaxWindow || !expires.After(issued):
		return fmt.Errorf("%w: its window is %v", ErrWindow, expires.Sub(issued))
	case trust.Now.Add(ClockSkew).Before(issued):
		return fmt.Errorf("%w: issued at %v", ErrWindow, issued)
	case !trust.Now.Before(expires):
		return fmt.Errorf("%w: expired at %v", ErrWindow, expires)
	}
	return nil
}

func (s Signed) checkPayload(Trust) error {
	if challenge.HashPayload(s.Payload) != s.Input.PayloadHash {
		return ErrOtherPayload
	}
	return nil
}

// checkData checks what the signature is made over: how the challenge is wrapped
// depends on the kind of credential.
func (s Signed) checkData(trust Trust) error {
	switch s.Kind {
	case identity.KeyCredential, identity.PasswordProtectedCredential:
		return s.checkKeyData()
	case identity.Fido2Credential:
		return s.checkFido2Data(trust.RelyingParty)
	}
	return fmt.Errorf("%w: unknown kind %.32q", ErrUntrusted, s.Kind)
}

func (s Signed) checkSignature(trust Trust) error {
	message := s.message()
	name := nameOf(trust.Credential.PublicKey, message, s.Signature)
	if trust.Verified.has(name) {
		return nil
	}
	key, err := ParsePublicKey(trust.Credential.PublicKey)
	if err != nil {
		return fmt.Errorf("reading the public key of credential %q: %w", s.Credential, err)
	}
	if !key.Verify(message, s.Signature) {
		return ErrSignature
	}
	trust.Verified.add(name)
	return nil
}

// message is what the signature is over.
func (s Signed) message() []byte {
	if s.Kind == identity.Fido2Credential {
		return s.fido2Message()
	}
	return s.ClientData
}

// decodeBase64URL reads the unpadded form that every client sends, in its one
// canonical spelling.
func decodeBase64URL(text string) ([]byte, error) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodeToString(decoded) != text {
		return nil, errors.New("expected unpadded base64url")
	}
	return decoded, nil
}
