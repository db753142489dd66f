package useraction

import (
	"slices"
	"strconv"
	"strings"

	"keyferry/server/origin"
)

// RelyingParty is whom authenticators sign for: nothing that was signed for another
// is a consent. The zero value accepts nothing.
type RelyingParty struct {
	// ID is the domain that the credentials were made for (WebAuthn Level 2 §4).
	ID string
	// Origins are where the pages may be that ask for signatures: scheme, host and
	// port as browsers write them, "https://keys.example.com". One that ends in
	// [origin.AnyPort] stands for every port of its host.
	Origins []string
}

// IsZero tells whether rp is none.
func (rp RelyingParty) IsZero() bool { return rp.ID == "" || len(rp.Origins) == 0 }

// allows tells whether client data may name the origin. It is compared by its letters,
// as browsers write each origin in one form.
func (rp RelyingParty) allows(named string) bool {
	return slices.ContainsFunc(rp.Origins, func(one string) bool {
		host, everyPort := strings.CutSuffix(one, origin.AnyPort)
		return everyPort && isPortOf(host, named) || !everyPort && one == named
	})
}

func isPortOf(host, named string) bool {
	if named == host {
		return true // the scheme's own port, which browsers do not write
	}
	port, ok := strings.CutPrefix(named, host+":")
	if !ok {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}
