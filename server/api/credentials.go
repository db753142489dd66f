package api

import (
	"slices"

	"keyferry/server/identity"
)

type supportedKind struct {
	Kind                 identity.CredentialKind `json:"kind"`
	Factor               string                  `json:"factor"`
	RequiresSecondFactor bool                    `json:"requiresSecondFactor"`
}

// supportedKinds lists the kinds of credentials that the user has.
func supportedKinds(credentials []identity.Credential) []supportedKind {
	kinds := []supportedKind{}
	for _, kind := range identity.CredentialKinds() {
		if slices.ContainsFunc(credentials, func(c identity.Credential) bool { return c.Kind == kind }) {
			kinds = append(kinds, supportedKind{Kind: kind, Factor: "first"})
		}
	}
	return kinds
}

// allowedCredentials has all its lists even if empty: clients map over them.
type allowedCredentials struct {
	Key                  []allowedCredential `json:"key"`
	WebAuthn             []allowedCredential `json:"webauthn"`
	PasswordProtectedKey []allowedCredential `json:"passwordProtectedKey"`
}

type allowedCredential struct {
	Type                string                `json:"type"`
	ID                  identity.CredentialID `json:"id"`
	EncryptedPrivateKey string                `json:"encryptedPrivateKey,omitempty"`
}

// allowCredentials sorts the user's credentials by what a client signs with.
func allowCredentials(credentials []identity.Credential) allowedCredentials {
	allowed := allowedCredentials{
		Key: []allowedCredential{}, WebAuthn: []allowedCredential{}, PasswordProtectedKey: []allowedCredential{},
	}
	for _, c := range credentials {
		entry := allowedCredential{Type: "public-key", ID: c.ID, EncryptedPrivateKey: c.EncryptedPrivateKey}
		switch c.Kind {
		case identity.KeyCredential:
			allowed.Key = append(allowed.Key, entry)
		case identity.Fido2Credential:
			allowed.WebAuthn = append(allowed.WebAuthn, entry)
		case identity.PasswordProtectedCredential:
			allowed.PasswordProtectedKey = append(allowed.PasswordProtectedKey, entry)
		}
	}
	return allowed
}
