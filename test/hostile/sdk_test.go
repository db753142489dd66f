//go:build cgo

package hostile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"keyferry/test/rig"
)

// sdk does what the unmodified client SDKs do: it signs the challenge that it is sent,
// and believes what it is answered.
type sdk struct {
	url     string // of the API, or of a guard
	account *rig.Account
	signed  int // challenges, so far
}

// got is an answer.
type got struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request, with a user action if there is one.
func (c *sdk) send(t *testing.T, method, path, body, action string) got {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, bytes.NewReader([]byte(body)))
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+c.account.Token)
	request.Header.Set("Content-Type", "application/json")
	if action != "" {
		request.Header.Set("X-DFNS-USERACTION", action)
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(t, err)
	return got{response.StatusCode, response.Header, text}
}

// post makes a request with its user's consent: two round trips for the consent, and
// the request itself. It ends at the first answer that is an error.
func (c *sdk) post(t *testing.T, path, body string) got {
	t.Helper()
	init, err := json.Marshal(map[string]string{
		"userActionPayload": body, "userActionHttpMethod": "POST", "userActionHttpPath": path, "userActionServerKind": "Api",
	})
	must(t, err)
	offered := c.send(t, "POST", "/auth/action/init", string(init), "")
	if offered.status != http.StatusOK {
		return offered
	}
	completed := c.send(t, "POST", "/auth/action", c.sign(t, offered.body), "")
	if completed.status != http.StatusOK {
		return completed
	}
	var action struct {
		UserAction string `json:"userAction"`
	}
	must(t, json.Unmarshal(completed.body, &action))
	return c.send(t, "POST", path, body, action.UserAction)
}

// sign signs the challenge, whatever it is for.
func (c *sdk) sign(t *testing.T, offer []byte) string {
	t.Helper()
	var o struct {
		Challenge  string `json:"challenge"`
		Identifier string `json:"challengeIdentifier"`
	}
	must(t, json.Unmarshal(offer, &o))
	data, err := json.Marshal(map[string]string{"type": "key.get", "challenge": o.Challenge})
	must(t, err)
	c.signed++
	encode := base64.RawURLEncoding.EncodeToString
	body, err := json.Marshal(map[string]any{"challengeIdentifier": o.Identifier, "firstFactor": map[string]any{
		"kind": "Key", "credentialAssertion": map[string]string{
			"credId": string(c.account.Credential.ID), "clientData": encode(data), "signature": encode(c.account.SignBytes(data)),
		},
	}})
	must(t, err)
	return string(body)
}
