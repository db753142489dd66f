package api

import (
	"encoding/base64"

	"keyferry/server/signer"
	"keyferry/server/transfer"
)

// exportedBody is an export: all that a client needs to open the shares and to put
// the key together.
type exportedBody struct {
	PublicKey          string           `json:"publicKey"`
	Protocol           string           `json:"protocol"`
	Curve              string           `json:"curve"`
	MinSigners         int              `json:"minSigners"`
	EncryptedKeyShares []encryptedShare `json:"encryptedKeyShares"`
}

type encryptedShare struct {
	SignerID          string `json:"signerId"`
	EncryptedKeyShare string `json:"encryptedKeyShare"` // padded standard base64
}

func bodyOfExport(e transfer.Exported) exportedBody {
	body := exportedBody{PublicKey: e.PublicKey.Hex(), Protocol: e.Protocol, Curve: e.Curve, MinSigners: e.MinSigners}
	for _, share := range e.Shares {
		body.EncryptedKeyShares = append(body.EncryptedKeyShares, encryptedShare{
			SignerID: share.Signer.String(), EncryptedKeyShare: base64.StdEncoding.EncodeToString(share.Ciphertext),
		})
	}
	return body
}

// exportKey is POST /keys/{keyId}/export.
func (a *API) exportKey(c *call) (any, error) {
	id, err := c.keyID()
	if err != nil {
		return nil, err
	}
	proof, err := consented(a, c, signer.ParseExport)
	if err != nil {
		return nil, err
	}
	exported, err := a.Transfer.Export(c.context(), proof, id)
	if err != nil {
		return nil, err
	}
	return bodyOfExport(exported), nil
}
