package identity

import "time"

// CredentialKind says what a credential's signature is made over.
type CredentialKind string

// The kinds of credentials, as the API names them.
const (
	// KeyCredential is a plain key pair of the user's.
	KeyCredential CredentialKind = "Key"
	// Fido2Credential is a key pair in an authenticator (WebAuthn), which signs for
	// one relying party only.
	Fido2Credential CredentialKind = "Fido2"
	// PasswordProtectedCredential is a key pair whose private half the service keeps
	// for the user, encrypted by the client under a password.
	PasswordProtectedCredential CredentialKind = "PasswordProtectedKey"
)

// CredentialKinds lists all of them, in the order in which clients are offered them.
func CredentialKinds() []CredentialKind {
	return []CredentialKind{KeyCredential, Fido2Credential, PasswordProtectedCredential}
}

// Credential is a public key that a user signs with.
type Credential struct {
	ID        CredentialID
	Org       OrgID
	User      UserID
	Kind      CredentialKind
	PublicKey string // PEM
	// EncryptedPrivateKey is a text of the client's that only it can read, handed
	// back to it as it is; PasswordProtectedCredential only.
	EncryptedPrivateKey string
	Active              bool
	CreatedAt           time.Time
}
