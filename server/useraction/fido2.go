package useraction

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"

	"keyferry/server/identity"
	"keyferry/server/strictjson"
)

// browserData is the client data that a browser hands to an authenticator (WebAuthn
// Level 2 §5.8.1).
type browserData struct {
	Type        string `json:"type" required:"true"`
	Challenge   string `json:"challenge" required:"true"`
	Origin      string `json:"origin" required:"true"`
	CrossOrigin bool   `json:"crossOrigin"`
	TopOrigin   string `json:"topOrigin"`
}

// checkFido2Data checks an authentication assertion up to its signature (WebAuthn
// Level 2 §7.2, steps 11 to 17).
func (s Signed) checkFido2Data(rp RelyingParty) error {
	if rp.IsZero() {
		return fmt.Errorf("%w: no relying party is configured", ErrUntrusted)
	}
	var data browserData
	if err := strictjson.Decode(s.ClientData, &data); err != nil {
		return fmt.Errorf("%w: %w", ErrClientData, err)
	}
	if !rp.allows(data.Origin) {
		return fmt.Errorf("%w: it is from a page at %.100q", ErrClientData, data.Origin)
	}
	collected := protocol.CollectedClientData{
		Type: protocol.CeremonyType(data.Type), Challenge: data.Challenge,
		Origin: data.Origin, CrossOrigin: data.CrossOrigin, TopOrigin: data.TopOrigin,
	}
	err := collected.Verify(s.encodedChallenge(data.Challenge), protocol.AssertCeremony,
		[]string{data.Origin}, nil, nil, protocol.TopOriginExplicitVerificationMode, false)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrClientData, err)
	}
	return s.checkAuthenticatorData(rp)
}

// encodedChallenge is the challenge in one of the two forms that clients give it, the
// given one if it is among them. The challenge is base64url text. A client that
// decodes it first has the browser write that same text again; the official browser
// SDKs hand over the text's own bytes, and so it is encoded twice.
func (s Signed) encodedChallenge(given string) string {
	once := s.Input.Challenge()
	if twice := base64.RawURLEncoding.EncodeToString([]byte(once)); given == twice {
		return twice
	}
	return once
}

// checkAuthenticatorData asks for an assertion to this relying party by a user who
// was present and verified (WebAuthn Level 2 §6.1). Extensions are passed over, as
// none is asked for.
func (s Signed) checkAuthenticatorData(rp RelyingParty) error {
	var data protocol.AuthenticatorData
	if err := data.Unmarshal(s.AuthenticatorData); err != nil {
		return fmt.Errorf("%w: %w", ErrAuthData, err)
	}
	id := sha256.Sum256([]byte(rp.ID))
	if err := data.Verify(id[:], nil, true, true); err != nil {
		return fmt.Errorf("%w: %w", ErrAuthData, err)
	}
	switch flags := data.Flags; {
	case flags.HasAttestedCredentialData():
		return fmt.Errorf("%w: it is a registration's", ErrAuthData)
	case flags.HasBackupState() && !flags.HasBackupEligible():
		return fmt.Errorf("%w: a backup of what cannot be backed up", ErrAuthData)
	}
	return nil
}

// fido2Message is authenticatorData || SHA-256(clientDataJSON) (WebAuthn Level 2
// §7.2, steps 19 and 20).
func (s Signed) fido2Message() []byte {
	hash := sha256.Sum256(s.ClientData)
	return append(slices.Clone(s.AuthenticatorData), hash[:]...)
}

// counterAt is where the four bytes of an authenticator's counter begin, big-endian:
// behind the relying party's hash and the flags (WebAuthn Level 2 §6.1).
const counterAt = sha256.Size + 1

// Counter returns the authenticator's signature counter, and false for credentials
// that have none. It is that of a verified action, or means nothing.
func (s Signed) Counter() (counter uint32, counted bool) {
	if s.Kind != identity.Fido2Credential || len(s.AuthenticatorData) < counterAt+4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(s.AuthenticatorData[counterAt:]), true
}
