package trust

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"keyferry/server/useraction"
)

// localhost is the relying party of development, where pages are on whatever port was
// free, with and without TLS.
const localhost = "localhost"

// checkParty takes no relying party, or one with a domain and origins as browsers write
// them, within that domain: browsers let no other page use it (WebAuthn Level 2
// §5.1.4.1).
func checkParty(party useraction.RelyingParty) error {
	if party.ID == "" && len(party.Origins) == 0 {
		return nil
	}
	if party.IsZero() || checkText(party.ID, maxReference, blank) != nil || strings.ToLower(party.ID) != party.ID {
		return fmt.Errorf("relyingParty: %.100q is not a domain in small letters, or it has no origins", party.ID)
	}
	for i, origin := range party.Origins {
		if err := checkOrigin(origin, party.ID); err != nil {
			return fmt.Errorf("relyingParty: origin %.100q %w", origin, err)
		}
		if i > 0 && party.Origins[i-1] >= origin {
			return fmt.Errorf("relyingParty: origin %.100q is repeated or out of order", origin)
		}
	}
	return nil
}

func checkOrigin(origin, domain string) error {
	exact, everyPort := strings.CutSuffix(origin, useraction.AnyPort)
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
	case host != domain && !strings.HasSuffix(host, "."+domain):
		return fmt.Errorf("is not within the domain %q", domain)
	}
	return nil
}
