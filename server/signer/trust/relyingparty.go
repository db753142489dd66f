package trust

import (
	"fmt"
	"strings"

	"keyferry/server/origin"
	"keyferry/server/useraction"
)

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
	for i, text := range party.Origins {
		if err := origin.Check(text, party.ID); err != nil {
			return fmt.Errorf("relyingParty: origin %.100q %w", text, err)
		}
		if i > 0 && party.Origins[i-1] >= text {
			return fmt.Errorf("relyingParty: origin %.100q is repeated or out of order", text)
		}
	}
	return nil
}
