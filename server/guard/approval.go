package guard

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"keyferry/server/strictjson"
)

// approvalHeader is on a signed export that is left as the approval of another user's.
const approvalHeader = "X-Keyferry-Approval"

var errShares = errors.New("it has shares, which an approval does not ask for")

// checkApproval returns the check of the answer to an approval. It brings nothing that
// a client acts on: what counts is what was signed, and that was checked before it was.
func checkApproval(body []byte) (check, error) {
	if _, err := requestedKey(body); err != nil {
		return nil, badRequest(err)
	}
	return succeeding(func(a *answer) error {
		var approved struct {
			Shares jsontext.Value `json:"encryptedKeyShares"`
		}
		if err := strictjson.Decode(a.body, &approved); err != nil {
			return err
		}
		if approved.Shares != nil {
			return errShares
		}
		return nil
	}), nil
}
