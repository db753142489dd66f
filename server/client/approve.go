package client

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"keyferry/shares/recovery"
)

// ErrNotKept says that the server kept another approval than the one that was signed, or
// carried the export out.
var ErrNotKept = errors.New("the server does not say that it keeps this approval")

// Approval is what the server says of an approval that it keeps.
type Approval struct {
	KeyID             string    `json:"keyId"`
	EncryptionKeyHash string    `json:"encryptionKeyHash"` // SHA-256, in hex
	ExpiresAt         time.Time `json:"expiresAt"`
}

// Approve consents to another user's export of a key with this very request. Where the
// organisation's signers demand approvals, they take the export only together with it.
// It is good for one export and for as long as the server says, which is minutes.
//
// Whoever approves signs the export itself: with it, and without a demand for approvals,
// the shares go to whoever has the private half of the request's encryption key. So the
// request must come from the one who exports, and not by way of the server; and the
// organisation must be expected (Config.Expect), since a key's id alone does not say
// whose it is.
func (c *Client) Approve(ctx context.Context, id string, request recovery.Request) (Approval, error) {
	key, err := request.Key()
	if err != nil {
		return Approval{}, fmt.Errorf("approving an export: %w", err)
	}
	if id == "" || c.config.Expect.Organisation == "" {
		return Approval{}, errors.New("approving an export: the key's id and the organisation must be given")
	}
	var kept Approval
	e := exchange{method: "POST", path: "/keys/" + url.PathEscape(id) + "/export", approval: true}
	if err := c.signedAs(ctx, e, request, &kept); err != nil {
		return Approval{}, fmt.Errorf("approving an export of key %s: %w", printable(id), err)
	}
	if hash := key.Hash(); kept.KeyID != id || kept.EncryptionKeyHash != hex.EncodeToString(hash[:]) {
		return Approval{}, fmt.Errorf("approving an export of key %s: %w", printable(id), ErrNotKept)
	}
	return kept, nil
}
