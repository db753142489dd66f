package admin

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

const (
	maxCredentialID = 1364     // letters: base64url of the 1023 bytes that WebAuthn §4 allows
	maxEncryptedKey = 16 << 10 // far above an encrypted private key
)

// Registration is what a credential is registered from.
type Registration struct {
	Kind identity.CredentialKind
	// ID is how the client names the credential, any text without blanks; the office
	// makes one if it is empty. That of a Fido2 credential is its authenticator's, in
	// unpadded base64url, and cannot be left out.
	ID        identity.CredentialID
	PublicKey string // PEM, as useraction.ParsePublicKey takes it
	// EncryptedPrivateKey is for PasswordProtectedCredential only, which needs it.
	EncryptedPrivateKey string
}

// Credentials lists an account's credentials.
func (o *Office) Credentials(ctx context.Context, id identity.UserID) ([]identity.Credential, error) {
	user, err := o.registry.User(ctx, id)
	if err != nil {
		return nil, err
	}
	return o.registry.CredentialsOf(ctx, user.Org, user.ID)
}

// AddKeyCredential registers a public key (PEM) that the account signs with.
func (o *Office) AddKeyCredential(ctx context.Context, id identity.UserID, publicKey string) (identity.Credential, error) {
	return o.AddCredential(ctx, id, Registration{Kind: identity.KeyCredential, PublicKey: publicKey})
}

// AddCredential registers what the account signs with. Whether the account has the
// private key is for the operator to know.
func (o *Office) AddCredential(ctx context.Context, id identity.UserID, r Registration) (identity.Credential, error) {
	if err := r.check(); err != nil {
		return identity.Credential{}, err
	}
	user, err := o.registry.User(ctx, id)
	if err != nil {
		return identity.Credential{}, err
	}
	c := identity.Credential{
		ID: r.ID, Org: user.Org, User: user.ID, Kind: r.Kind, PublicKey: r.PublicKey,
		EncryptedPrivateKey: r.EncryptedPrivateKey, Active: true, CreatedAt: o.time(),
	}
	if c.ID == "" {
		c.ID = identity.CredentialID(identity.NewID("cr"))
	}
	entry := o.entry(audit.CredentialAdded, user.Org, map[string]string{"kind": string(c.Kind)})
	entry.User, entry.Credential = user.ID, c.ID
	return c, o.registry.AddCredential(ctx, c, entry)
}

// RevokeCredential ends a credential for ever.
func (o *Office) RevokeCredential(ctx context.Context, org identity.OrgID, id identity.CredentialID) error {
	entry := o.entry(audit.CredentialRevoked, org, nil)
	entry.Credential = id
	return o.registry.RevokeCredential(ctx, org, id, entry)
}

// check refuses a credential that could never sign.
func (r Registration) check() error {
	key, err := useraction.ParsePublicKey(r.PublicKey)
	if err != nil {
		return err
	}
	if err := key.CheckKind(r.Kind); err != nil {
		return err
	}
	if err := r.checkID(); err != nil {
		return err
	}
	return r.checkEncryptedKey()
}

func (r Registration) checkID() error {
	id := string(r.ID)
	if r.Kind == identity.Fido2Credential {
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(id)
		if err != nil || len(decoded) == 0 || base64.RawURLEncoding.EncodeToString(decoded) != id {
			return errors.New("a Fido2 credential needs the id that its authenticator gave it, in unpadded base64url")
		}
	}
	if len(id) > maxCredentialID || strings.ContainsFunc(id, blank) || !utf8.ValidString(id) {
		return fmt.Errorf("a credential id has at most %d bytes and no blanks", maxCredentialID)
	}
	return nil
}

func blank(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }

func (r Registration) checkEncryptedKey() error {
	text := r.EncryptedPrivateKey
	switch {
	case r.Kind != identity.PasswordProtectedCredential && text != "":
		return fmt.Errorf("a %s credential has no encrypted private key", r.Kind)
	case r.Kind == identity.PasswordProtectedCredential && text == "":
		return errors.New("a PasswordProtectedKey credential needs its encrypted private key")
	case len(text) > maxEncryptedKey || !utf8.ValidString(text):
		return fmt.Errorf("an encrypted private key is a text of at most %d bytes", maxEncryptedKey)
	case strings.Contains(text, "PRIVATE KEY-----") && !strings.Contains(text, "ENCRYPTED"):
		return errors.New("this private key is not encrypted: whoever reads the database could use it")
	}
	return nil
}
