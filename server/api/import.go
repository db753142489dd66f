package api

import "keyferry/server/signer"

// importKey is POST /keys/import.
func (a *API) importKey(c *call) (any, error) {
	proof, err := consented(a, c, signer.ParseImport)
	if err != nil {
		return nil, err
	}
	key, err := a.Transfer.Import(c.context(), proof)
	if err != nil {
		return nil, err
	}
	return bodyOf(key), nil
}
