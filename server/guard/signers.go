package guard

import "keyferry/shares/attest"

// checkSigners accepts the pinned signers: shares of an import are sealed to whoever is
// listed.
func (g *Guard) checkSigners(a *answer) error {
	listed, err := attest.ParseSigners(a.body)
	if err != nil {
		return err
	}
	return attest.Signers(g.config.Manifest, listed)
}
