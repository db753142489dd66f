package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// localhost is the relying party of development: browsers take it for a secure place
// without TLS, and pages are on whatever port was free.
const localhost = "localhost"

// anyPort ends an origin of which every port is meant.
const anyPort = ":*"

// complete fills in the origins that follow from the id.
func (r *RelyingParty) complete() {
	switch {
	case len(r.Origins) > 0 || r.ID == "":
	case r.ID == localhost:
		r.Origins = []string{"http://" + localhost + anyPort, "https://" + localhost + anyPort}
	default:
		r.Origins = []string{"https://" + r.ID}
	}
}

// checkOrigins takes origins as browsers write them: https, or http on localhost, where
// every port may be meant. An origin belongs to the relying party's domain or one
// below it, since browsers let no other page use it (WebAuthn Level 2 §5.1.4.1).
func (r RelyingParty) checkOrigins() error {
	var errs []error
	for i, origin := range r.Origins {
		if err := r.checkOrigin(origin); err != nil {
			errs = append(errs, fmt.Errorf("relyingParty.origins[%d]: %q %w", i, origin, err))
		}
	}
	return errors.Join(errs...)
}

func (r RelyingParty) checkOrigin(origin string) error {
	exact, everyPort := strings.CutSuffix(origin, anyPort)
	parsed, err := url.Parse(exact)
	if err != nil || parsed.Scheme+"://"+parsed.Host != exact || parsed.Hostname() == "" || strings.ToLower(exact) != exact {
		return errors.New("is not an origin: write https://host or https://host:port, in small letters")
	}
	host := parsed.Hostname()
	switch {
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || host != localhost):
		return errors.New("is not https")
	case everyPort && (host != localhost || parsed.Port() != ""):
		return errors.New("means every port, which is for localhost only")
	case host != r.ID && !strings.HasSuffix(host, "."+r.ID):
		return fmt.Errorf("is not within the domain %q of relyingParty.id", r.ID)
	}
	return nil
}
