package store

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

func isPostgres(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// printable is a place without the password that its URL may have.
func printable(place string) string {
	if !isPostgres(place) {
		return place
	}
	u, err := url.Parse(place)
	if err != nil {
		return "postgres://…"
	}
	u.RawQuery = ""
	return u.Redacted()
}

// parsePostgres reads a URL as libpq does: what it does not say comes from PG… variables
// and files such as ~/.pgpass.
func parsePostgres(place string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(place)
	if err != nil {
		return nil, errors.New("the URL of the database cannot be read") // the error could quote a password
	}
	if err := checkTransport(c); err != nil {
		return nil, err
	}
	if schema := c.RuntimeParams["search_path"]; schema != "" && !schemaName.MatchString(schema) {
		return nil, fmt.Errorf("search_path: %.64q is not the name of one schema in lower case", schema)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{
		"application_name":                    "keyferry",
		"lock_timeout":                        lockTimeout,
		"idle_in_transaction_session_timeout": idleTimeout,
		"tcp_user_timeout":                    "20s",
	} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	return c, nil
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// checkTransport refuses to talk to anybody else's server, and to let others listen.
func checkTransport(c *pgx.ConnConfig) error {
	if err := checkHost(c.Host, c.TLSConfig); err != nil {
		return err
	}
	for _, other := range c.Fallbacks {
		if err := checkHost(other.Host, other.TLSConfig); err != nil {
			return err
		}
	}
	return nil
}

func checkHost(host string, c *tls.Config) error {
	ip := net.ParseIP(host)
	local := strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
	if local || c != nil && !c.InsecureSkipVerify {
		return nil
	}
	return fmt.Errorf("the database at %q is on another machine: add sslmode=verify-full, and sslrootcert=… if its certificate is of a CA of your own", host)
}
