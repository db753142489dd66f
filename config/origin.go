package config

import (
	"errors"
	"fmt"

	"keyferry/server/origin"
)

// complete fills in the origins that follow from the id.
func (r *RelyingParty) complete() {
	switch {
	case len(r.Origins) > 0 || r.ID == "":
	case r.ID == origin.Localhost:
		r.Origins = []string{"http://" + origin.Localhost + origin.AnyPort, "https://" + origin.Localhost + origin.AnyPort}
	default:
		r.Origins = []string{"https://" + r.ID}
	}
}

func (r RelyingParty) checkOrigins() error {
	var errs []error
	for i, text := range r.Origins {
		if err := origin.Check(text, r.ID); err != nil {
			errs = append(errs, fmt.Errorf("relyingParty.origins[%d]: %q %w", i, text, err))
		}
	}
	return errors.Join(errs...)
}
