package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const prefix = "KEYFERRY_"

// override sets members from KEYFERRY_ variables. The list of signers has none: it
// belongs in a file.
func (c *Config) override(environ []string) error {
	setters := c.variables()
	var errs []error
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || foreign(name) {
			continue
		}
		set, ok := setters[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: there is no such setting; unset it or correct its name", name))
			continue
		}
		if err := set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) variables() map[string]func(string) error {
	return map[string]func(string) error{
		"KEYFERRY_DEPLOYMENT":             text(&c.Deployment),
		"KEYFERRY_LISTEN":                 text(&c.Listen),
		"KEYFERRY_TLS_CERTIFICATE_FILE":   text(&c.TLS.CertificateFile),
		"KEYFERRY_TLS_KEY_FILE":           text(&c.TLS.KeyFile),
		"KEYFERRY_RELYING_PARTY_ID":       text(&c.RelyingParty.ID),
		"KEYFERRY_RELYING_PARTY_NAME":     text(&c.RelyingParty.Name),
		"KEYFERRY_RELYING_PARTY_ORIGINS":  list(&c.RelyingParty.Origins),
		"KEYFERRY_DATABASE":               text(&c.Database),
		"KEYFERRY_TOKEN_KEY_FILE":         text(&c.TokenKeyFile),
		"KEYFERRY_PKCS11_MODULE":          text(&c.PKCS11.Module),
		"KEYFERRY_PKCS11_INIT_PARAMETERS": text(&c.PKCS11.InitParameters),
		"KEYFERRY_MANIFEST":               text(&c.Manifest),
		"KEYFERRY_SIGNER_KEY_FILE":        text(&c.SignerKeyFile),
		"KEYFERRY_TIMEOUTS_SIGNERS":       duration(&c.Timeouts.Signers),
		"KEYFERRY_TIMEOUTS_ACTION":        duration(&c.Timeouts.Action),
		"KEYFERRY_TIMEOUTS_BODY":          duration(&c.Timeouts.Body),
		"KEYFERRY_TIMEOUTS_SHUTDOWN":      duration(&c.Timeouts.Shutdown),
		"KEYFERRY_LIMITS_BODY":            number(&c.Limits.Body),
		"KEYFERRY_LIMITS_SESSIONS":        number(&c.Limits.Sessions),
		"KEYFERRY_METRICS_LISTEN":         text(&c.Metrics.Listen),
		"KEYFERRY_VERIFY_EVERY":           duration(&c.Verify.Every),
		"KEYFERRY_VERIFY_RATE":            number(&c.Verify.Rate),
	}
}

// foreign reports names that are ours but not the server's: those of a client's
// environment, and those that Kubernetes sets for a service called "keyferry".
func foreign(name string) bool {
	return slices.Contains([]string{"KEYFERRY_KEY_ID", "KEYFERRY_KEY_HEX_FILE"}, name) ||
		name == "KEYFERRY_PORT" || strings.HasPrefix(name, "KEYFERRY_PORT_") || strings.HasPrefix(name, "KEYFERRY_SERVICE_")
}

func text(member *string) func(string) error {
	return func(value string) error {
		*member = value
		return nil
	}
}

// list takes values with commas between them.
func list(member *[]string) func(string) error {
	return func(value string) error {
		*member = strings.Split(value, ",")
		return nil
	}
}

func duration(member *time.Duration) func(string) error {
	return func(value string) (err error) {
		*member, err = time.ParseDuration(value)
		return err
	}
}

func number[N int | int64](member *N) func(string) error {
	return func(value string) error {
		n, err := strconv.ParseInt(value, 10, 32)
		*member = N(n)
		return err
	}
}
