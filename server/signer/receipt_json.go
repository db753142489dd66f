package signer

import (
	"encoding/hex"
	"fmt"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/shares/manifest"
)

// ReceiptJSON is a signed receipt in its written form. The signature is padded standard
// base64.
type ReceiptJSON struct {
	SignerID     string          `json:"signerId"`
	Deployment   string          `json:"deployment"`
	Organisation identity.OrgID  `json:"organisation"`
	KeyID        keyring.KeyID   `json:"keyId"`
	ActionHash   challenge.Bytes `json:"actionHash"` // lower-case hex, as is:
	VectorHash   string          `json:"vectorHash"`
	Signature    []byte          `json:"signature"`
}

// JSON returns the written form.
func (s SignedReceipt) JSON() ReceiptJSON {
	return ReceiptJSON{
		SignerID: s.Signer.String(), Deployment: s.Deployment, Organisation: s.Organisation, KeyID: s.Key,
		ActionHash: s.Action, VectorHash: hex.EncodeToString(s.VectorHash[:]), Signature: s.Signature,
	}
}

// Parse reads a written receipt. Its signature is not verified yet.
func (j ReceiptJSON) Parse() (SignedReceipt, error) {
	id, err := manifest.ParseID(j.SignerID)
	if err != nil {
		return SignedReceipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	var hash challenge.Bytes
	if err := hash.UnmarshalText([]byte(j.VectorHash)); err != nil {
		return SignedReceipt{}, fmt.Errorf("%w: vector hash: %w", ErrReceipt, err)
	}
	return SignedReceipt{Signer: id, Signature: j.Signature, Receipt: Receipt{
		Deployment: j.Deployment, Organisation: j.Organisation, Key: j.KeyID, Action: j.ActionHash, VectorHash: hash,
	}}, nil
}
