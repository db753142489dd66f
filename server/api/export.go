package api

import (
	"keyferry/server/audit/receipt"
	"keyferry/server/transfer"
	"keyferry/shares/statement"
)

// exportedBody is an export: all that a client needs to open the shares and to put
// the key together.
type exportedBody struct {
	PublicKey          string           `json:"publicKey"`
	Protocol           string           `json:"protocol"`
	Curve              string           `json:"curve"`
	MinSigners         int              `json:"minSigners"`
	EncryptedKeyShares []encryptedShare `json:"encryptedKeyShares"`
	// Statements is what the signers say of their shares, one each, in their order. It
	// is not a member of the API that official clients know, and they pass over it.
	Statements []statement.JSON `json:"statements"`
	// AuditReceipt proves that the export is recorded. It is left out where that cannot
	// be shown at the moment, and passed over by official clients too.
	AuditReceipt *receipt.JSON `json:"auditReceipt,omitempty"`
}

type encryptedShare struct {
	SignerID          string `json:"signerId"`
	EncryptedKeyShare []byte `json:"encryptedKeyShare"` // written in padded standard base64
}

func bodyOfExport(e transfer.Exported) exportedBody {
	body := exportedBody{
		PublicKey: e.PublicKey.Hex(), Protocol: e.Protocol, Curve: e.Curve, MinSigners: e.MinSigners,
		EncryptedKeyShares: make([]encryptedShare, 0, len(e.Shares)), Statements: make([]statement.JSON, 0, len(e.Shares)),
	}
	for _, share := range e.Shares {
		body.EncryptedKeyShares = append(body.EncryptedKeyShares, encryptedShare{SignerID: share.Signer.String(), EncryptedKeyShare: share.Ciphertext})
		body.Statements = append(body.Statements, share.Statement.JSON())
	}
	return body
}

// exportKey is POST /keys/{keyId}/export and POST /wallets/{walletId}/export: an export,
// or the approval of another user's (approval.go).
func (a *API) exportKey(c *call) (any, error) {
	id, err := c.keyID()
	if err != nil {
		return nil, err
	}
	approval, err := approves(c.Request().Header)
	if err != nil {
		return nil, err
	}
	proof, err := consented(a, c, a.Orders.ParseExport)
	if err != nil {
		return nil, err
	}
	if approval {
		return a.approveExport(c, proof, id)
	}
	exported, err := a.Transfer.Export(c.context(), proof, id)
	if err != nil {
		return nil, err
	}
	body := bodyOfExport(exported)
	body.AuditReceipt = a.receipt(exported.Record)
	return body, nil
}
