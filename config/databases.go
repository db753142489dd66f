package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// A database is the path of an SQLite file or the URL of a PostgreSQL database. What
// else is wrong with a URL is told when it is opened.

// IsURL tells a URL from a path.
func IsURL(database string) bool { return strings.Contains(database, "://") }

// Directory returns the directory that one server process at a time may use: that of
// its SQLite file, or of the first signer's. It is empty if all is in PostgreSQL.
func (c Config) Directory() string {
	for _, database := range c.databases() {
		if !IsURL(database.place) {
			return filepath.Dir(database.place)
		}
	}
	return ""
}

type database struct{ member, place string }

func (c Config) databases() []database {
	all := []database{{"database", c.Database}}
	for i, s := range c.Signers {
		if c.Remote() {
			break // they have their own, elsewhere
		}
		all = append(all, database{fmt.Sprintf("signers[%d].store", i), s.Store})
	}
	return all
}

// checkDatabases wants a database for each, and no secrets.
func (c Config) checkDatabases() error {
	var errs []error
	taken := map[string]bool{}
	for _, d := range c.databases() {
		if d.place == "" { // said elsewhere
			continue
		}
		identity, err := identify(d.place)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.member, err))
			continue
		}
		if taken[identity] {
			errs = append(errs, fmt.Errorf("%s: it is in use already: the server and each signer have a file or a schema of their own", d.member))
		}
		taken[identity] = true
	}
	return errors.Join(errs...)
}

// identify returns what two names of one database have in common. Its errors quote
// nothing: there may be a password.
func identify(place string) (string, error) {
	if !IsURL(place) {
		return filepath.Clean(place), nil
	}
	u, err := url.Parse(place)
	if err != nil {
		return "", errors.New("the URL cannot be read")
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", errors.New("give the path of an SQLite file, or a URL that begins with postgres://")
	}
	query := u.Query()
	if _, has := u.User.Password(); has || query.Has("password") || query.Has("sslpassword") {
		return "", errors.New("no passwords in the configuration: put it into a file (libpq's format) and name that with passfile=")
	}
	return strings.Join([]string{u.Host, u.Path, query.Get("host"), query.Get("port"), query.Get("dbname"), query.Get("search_path")}, " "), nil
}
