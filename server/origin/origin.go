// Package origin is the rule for the origins of a relying party: where the pages may be
// that ask its users' authenticators for signatures. Operators write them in a server's
// configuration, organisations in their trust documents; it is the same rule for both.
package origin

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Localhost is the relying party of development: browsers take it for a secure place
// without TLS, and pages are on whatever port was free.
const Localhost = "localhost"

// AnyPort ends an origin of which every port is meant, for development alone.
const AnyPort = ":*"

// Check takes an origin as browsers write it, of a domain or one below it, since browsers
// let no other page use the domain's credentials (WebAuthn Level 2 §5.1.4.1): https, or
// http on localhost, where every port may be meant. Its errors go behind the origin's
// name.
func Check(text, domain string) error {
	exact, everyPort := strings.CutSuffix(text, AnyPort)
	parsed, err := url.Parse(exact)
	if err != nil || parsed.Scheme+"://"+parsed.Host != exact || strings.HasSuffix(exact, ":") || !isHost(parsed.Hostname()) {
		return errors.New("is not an origin: write https://host or https://host:port, in small letters")
	}
	host := parsed.Hostname()
	switch {
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || host != Localhost):
		return errors.New("is not https")
	case everyPort && (host != Localhost || parsed.Port() != ""):
		return errors.New("means every port, which is for localhost only")
	case host != domain && !strings.HasSuffix(host, "."+domain):
		return fmt.Errorf("is not within the relying party's domain %q", domain)
	}
	return nil
}

// isHost tells whether a name has only what names of hosts have where browsers write
// them; other alphabets are in Punycode there (RFC 3492).
func isHost(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	})
}
