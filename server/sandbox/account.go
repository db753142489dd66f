//go:build cgo

package sandbox

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"keyferry/server"
	"keyferry/server/client"
	"keyferry/server/identity"
)

// What the sandbox's own organisation and account are called; they are found again by
// these names.
const (
	organisationName = "Sample organisation"
	accountName      = "Sample service account"
	addendum         = "sandbox: no addendum was signed"
)

// tokenLifetime is how long a sandbox can run without a restart.
const tokenLifetime = 30 * 24 * time.Hour

// account is what a client needs of the server's accounts.
type account struct {
	org        identity.OrgID
	user       identity.UserID
	token      string // fresh
	credential identity.CredentialID
	privateKey []byte // PEM
}

// ensureAccount completes what is missing, and issues a fresh token.
func (l layout) ensureAccount(ctx context.Context, c server.Config) (a account, err error) {
	office, err := server.OpenOffice(ctx, c)
	if err != nil {
		return account{}, err
	}
	defer func() { err = errors.Join(err, office.Close()) }()
	if a.org, err = ensureOrganisation(ctx, office); err != nil {
		return account{}, fmt.Errorf("making the sample organisation: %w", err)
	}
	if a.user, err = ensureUser(ctx, office, a.org); err != nil {
		return account{}, fmt.Errorf("making the sample account: %w", err)
	}
	if a.credential, a.privateKey, err = l.ensureCredential(ctx, office, a.user); err != nil {
		return account{}, fmt.Errorf("making the sample credential: %w", err)
	}
	a.token, _, err = office.IssueToken(ctx, a.user, tokenLifetime)
	return a, err
}

func ensureOrganisation(ctx context.Context, office *server.Office) (identity.OrgID, error) {
	all, err := office.Organisations(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(o identity.Organisation) bool { return o.Name == organisationName })
	if i < 0 {
		made, err := office.CreateOrganisation(ctx, organisationName)
		if err != nil {
			return "", err
		}
		return made.ID, office.ActivateExport(ctx, made.ID, addendum)
	}
	if all[i].Export == nil {
		return all[i].ID, office.ActivateExport(ctx, all[i].ID, addendum)
	}
	return all[i].ID, nil
}

func ensureUser(ctx context.Context, office *server.Office, org identity.OrgID) (identity.UserID, error) {
	all, err := office.Accounts(ctx, org)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(u identity.User) bool { return u.Name == accountName && u.Active })
	if i < 0 {
		made, err := office.CreateServiceAccount(ctx, org, accountName)
		if err != nil {
			return "", err
		}
		return made.ID, office.Grant(ctx, made.ID, identity.Permissions()...)
	}
	for _, p := range identity.Permissions() {
		if !all[i].May(p) {
			return all[i].ID, office.Grant(ctx, all[i].ID, identity.Permissions()...)
		}
	}
	return all[i].ID, nil
}

// ensureCredential uses the key on file if its public half is registered and active,
// and otherwise makes a new one.
func (l layout) ensureCredential(ctx context.Context, office *server.Office, user identity.UserID) (identity.CredentialID, []byte, error) {
	private, public, err := loadCredential(l.at(credentialFile))
	if err == nil {
		all, err := office.Credentials(ctx, user)
		if err != nil {
			return "", nil, err
		}
		for _, c := range all {
			if c.Active && c.PublicKey == public {
				return c.ID, private, nil
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	if private, public, err = newCredential(); err != nil {
		return "", nil, err
	}
	if err := replaceFile(l.at(credentialFile), private); err != nil {
		return "", nil, err
	}
	made, err := office.AddKeyCredential(ctx, user, public)
	return made.ID, private, err
}

func newCredential() (private []byte, public string, err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	public, err = publicPEM(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), public, err
}

func loadCredential(path string) (private []byte, public string, err error) {
	private, err = os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	block, _ := pem.Decode(private)
	if block == nil {
		return nil, "", fmt.Errorf("%s is not PEM: remove it, and a new one is made", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, "", fmt.Errorf("%s does not hold an Ed25519 key: remove it, and a new one is made", path)
	}
	public, err = publicPEM(key)
	return private, public, err
}

func publicPEM(key ed25519.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// sign returns the credential as the client takes it.
func (a account) sign() (*client.Credential, error) {
	return client.ParseCredential(string(a.credential), a.privateKey)
}
