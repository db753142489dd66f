package useraction

import (
	"fmt"

	"keyferry/server/strictjson"
)

// typeKey is the client data's type for signatures of plain keys.
const typeKey = "key.get"

// keyData is the text that a client wraps the challenge in when it signs with a key.
// The origin is not checked: one official client sends none and another a foreign
// default.
type keyData struct {
	Type        string `json:"type" required:"true"`
	Challenge   string `json:"challenge" required:"true"`
	CrossOrigin bool   `json:"crossOrigin"`
}

func (s Signed) checkKeyData() error {
	var data keyData
	if err := strictjson.Decode(s.ClientData, &data); err != nil {
		return fmt.Errorf("%w: %w", ErrClientData, err)
	}
	if data.Type != typeKey || data.Challenge != s.Input.Challenge() || data.CrossOrigin {
		return ErrClientData
	}
	if s.AuthenticatorData != nil {
		return fmt.Errorf("%w: a key has none", ErrAuthData)
	}
	return nil
}
