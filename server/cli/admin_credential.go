//go:build cgo

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/admin"
	"keyferry/server/identity"
)

// maxKeyFile is far above a public key in PEM, or an encrypted private key.
const maxKeyFile = 16 << 10

func newCredential(o *office) *cobra.Command {
	return group("credential", "The keys that an account signs with", addCredential(o), listCredentials(o), revokeCredential(o))
}

func addCredential(o *office) *cobra.Command {
	var account, file, encrypted string
	var r admin.Registration
	cmd := o.command("add", "Register a public key that an account signs with", map[string]*string{"account": &account, "public-key": &file},
		func(ctx context.Context, office *server.Office) (result, error) {
			if err := readKeys(&r, file, encrypted); err != nil {
				return nil, err
			}
			credential, err := office.AddCredential(ctx, identity.UserID(account), r)
			if err != nil {
				return nil, fmt.Errorf("registering %s: %w", file, err)
			}
			return describeCredential(credential), nil
		})
	cmd.Flags().StringVar((*string)(&r.Kind), "kind", string(identity.KeyCredential), "one of "+strings.Join(names(identity.CredentialKinds()), ", "))
	cmd.Flags().StringVar((*string)(&r.ID), "credential-id", "", "the id that the client knows the credential by; Fido2: the authenticator's, base64url (made if left out)")
	cmd.Flags().StringVar(&encrypted, "encrypted-private-key", "", "PasswordProtectedKey: file with the private key as the client encrypted it")
	return cmd
}

// readKeys reads the files of a registration. Line breaks around an encrypted key are
// the file's and not the client's.
func readKeys(r *admin.Registration, publicKey, encrypted string) (err error) {
	if r.PublicKey, err = readKeyFile(publicKey); err != nil {
		return fmt.Errorf("reading the public key: %w", err)
	}
	if encrypted == "" {
		return nil
	}
	if r.EncryptedPrivateKey, err = readKeyFile(encrypted); err != nil {
		return fmt.Errorf("reading the encrypted private key: %w", err)
	}
	r.EncryptedPrivateKey = strings.Trim(r.EncryptedPrivateKey, "\r\n")
	return nil
}

func listCredentials(o *office) *cobra.Command {
	var account string
	return o.command("list", "List the credentials of an account", map[string]*string{"account": &account},
		func(ctx context.Context, office *server.Office) (result, error) {
			all, err := office.Credentials(ctx, identity.UserID(account))
			var list records
			for _, credential := range all {
				list = append(list, describeCredential(credential))
			}
			return list, err
		})
}

func revokeCredential(o *office) *cobra.Command {
	var org, credential string
	return o.command("revoke", "End a credential for ever", map[string]*string{"org": &org, "credential": &credential},
		func(ctx context.Context, office *server.Office) (result, error) {
			err := office.RevokeCredential(ctx, identity.OrgID(org), identity.CredentialID(credential))
			return record{{"id", credential}, {"active", false}}, err
		})
}

func readKeyFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxKeyFile)
	}
	return string(text), err
}

func describeCredential(c identity.Credential) record {
	return record{
		{"id", c.ID}, {"organisation", c.Org}, {"account", c.User}, {"kind", c.Kind}, {"active", c.Active}, {"createdAt", date(c.CreatedAt)},
	}
}
