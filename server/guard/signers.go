package guard

import (
	"fmt"
	"net/http"
	"net/url"

	"keyferry/shares/attest"
	"keyferry/shares/manifest"
)

// checkSigners accepts the pinned signers: shares of an import are sealed to whoever is
// listed.
func (g *Guard) checkSigners(a *answer) error {
	listed, err := attest.ParseSigners(a.body)
	if err != nil {
		return err
	}
	return attest.Signers(g.config.Manifest, listed)
}

// linked asks for the signers in the name of whoever made a request, and returns the
// pinned ones with the identity keys that they have by now.
func (g *Guard) linked(r *http.Request) (manifest.Manifest, error) {
	listing := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: signersPath}, Header: http.Header{"Authorization": r.Header["Authorization"]},
	}
	answer, err := g.exchange(listing.WithContext(r.Context()), nil)
	if err != nil {
		return manifest.Manifest{}, err
	}
	if answer.status != http.StatusOK {
		return manifest.Manifest{}, fmt.Errorf("GET %s: status %d", signersPath, answer.status)
	}
	listed, err := attest.ParseSigners(answer.body)
	if err != nil {
		return manifest.Manifest{}, err
	}
	return attest.Linked(g.config.Manifest, listed)
}
