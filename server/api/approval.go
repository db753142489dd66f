package api

import (
	"encoding/hex"
	"net/http"

	"keyferry/server/keyring"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// headerApproval, with the value true, has a signed export kept as an approval of
// another user's export of the same, in place of being carried out.
const headerApproval = "X-Keyferry-Approval"

// approvedBody answers an approval.
type approvedBody struct {
	KeyID             keyring.KeyID `json:"keyId"`
	EncryptionKeyHash string        `json:"encryptionKeyHash"` // SHA-256 of the key's 34 bytes, in hex
	ExpiresAt         string        `json:"expiresAt"`
}

// approves reads the header. Whatever else stands there is refused: it must not decide
// between the two by the way in which somebody on the way reads it.
func approves(header http.Header) (bool, error) {
	values := header.Values(headerApproval)
	if len(values) == 0 {
		return false, nil
	}
	if len(values) > 1 || values[0] != "true" {
		return false, malformed(headerApproval + " must be there once, with the value true, or not at all")
	}
	return true, nil
}

// approveExport is an export that its caller approves.
func (a *API) approveExport(c *call, proof useraction.Proof, id keyring.KeyID) (any, error) {
	approval, err := a.Transfer.Approve(c.context(), proof, id)
	if err != nil {
		return nil, err
	}
	return bodyOfApproval(approval), nil
}

func bodyOfApproval(a transfer.Approval) approvedBody {
	return approvedBody{KeyID: a.Key, EncryptionKeyHash: hex.EncodeToString(a.EncryptionKey[:]), ExpiresAt: date(a.ExpiresAt)}
}
