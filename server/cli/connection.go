package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"keyferry/server/client"
)

// connection is how a command reaches the API. What is not given as a flag comes from
// the environment, under the names of the official SDKs' examples. The token and the
// private key have no flags, since every user of a machine can read command lines.
type connection struct {
	url, org, deployment              string
	credential, privateKeyFile, token string
	caFile                            string
}

func (c *connection) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.url, "url", "", "the API's address (DFNS_API_URL)")
	flags.StringVar(&c.org, "org", "", "the organisation that signed requests must be for (DFNS_ORG_ID)")
	flags.StringVar(&c.deployment, "deployment", "", "the deployment that signed requests must be for")
	flags.StringVar(&c.token, "token-file", "", "file with the access token (else the token itself in DFNS_AUTH_TOKEN)")
	flags.StringVar(&c.credential, "credential", "", "id of the credential that signs (DFNS_CRED_ID)")
	flags.StringVar(&c.privateKeyFile, "private-key-file", "", "its private key, PEM (DFNS_PRIVATE_KEY_FILE, or the PEM text itself in DFNS_PRIVATE_KEY)")
	flags.StringVar(&c.caFile, "ca-file", "", "certificates of the authorities to trust, PEM (NODE_EXTRA_CA_CERTS; else the system's)")
}

func (c *connection) open() (*client.Client, error) {
	for _, value := range []struct {
		flag *string
		name string
	}{
		{&c.url, "DFNS_API_URL"}, {&c.org, "DFNS_ORG_ID"}, {&c.credential, "DFNS_CRED_ID"}, {&c.caFile, "NODE_EXTRA_CA_CERTS"},
	} {
		if *value.flag == "" {
			*value.flag = os.Getenv(value.name)
		}
	}
	if c.url == "" {
		return nil, usage("no address: give --url or set DFNS_API_URL")
	}
	credential, err := c.readCredential()
	if err != nil {
		return nil, err
	}
	token, err := c.readToken()
	if err != nil {
		return nil, err
	}
	roots, err := c.readAuthorities()
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{
		URL: c.url, Token: token, Credential: credential, RootCAs: roots,
		Expect: client.Expectation{Deployment: c.deployment, Organisation: c.org},
	})
}

func (c *connection) readCredential() (*client.Credential, error) {
	if c.credential == "" {
		return nil, usage("no credential: give --credential or set DFNS_CRED_ID")
	}
	path := c.privateKeyFile
	if path == "" {
		path = os.Getenv("DFNS_PRIVATE_KEY_FILE")
	}
	text := []byte(os.Getenv("DFNS_PRIVATE_KEY"))
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("reading the credential's private key: %w", err)
		}
	}
	defer clear(text)
	if len(text) == 0 {
		return nil, usage("no private key to sign with: give --private-key-file or set DFNS_PRIVATE_KEY_FILE")
	}
	return client.ParseCredential(c.credential, text)
}

func (c *connection) readToken() (string, error) {
	if c.token == "" {
		if token := os.Getenv("DFNS_AUTH_TOKEN"); token != "" {
			return token, nil
		}
		return "", usage("no access token: give --token-file or set DFNS_AUTH_TOKEN")
	}
	text, err := os.ReadFile(c.token)
	if err != nil {
		return "", fmt.Errorf("reading the access token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (c *connection) readAuthorities() (*x509.CertPool, error) {
	if c.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.caFile)
	if err != nil {
		return nil, fmt.Errorf("reading certificate authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New(c.caFile + " has no certificate in it")
	}
	return roots, nil
}
