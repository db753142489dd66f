//go:build cgo

package test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
)

// initBody is the body of POST /auth/action/init.
type initBody struct {
	Payload string `json:"userActionPayload"`
	Method  string `json:"userActionHttpMethod"`
	Path    string `json:"userActionHttpPath"`
	Kind    string `json:"userActionServerKind,omitempty"`
}

// offer is a challenge.
type offer struct {
	Challenge  string          `json:"challenge"`
	Identifier string          `json:"challengeIdentifier"`
	Input      challenge.Input `json:"challengeInput"`
}

// assertion is a signed challenge, with members that a client would not send left out
// unless an attack sets them.
type assertion struct {
	CredID            string `json:"credId"`
	ClientData        string `json:"clientData"`
	Signature         string `json:"signature"`
	AuthenticatorData string `json:"authenticatorData,omitempty"`
	Algorithm         string `json:"algorithm,omitempty"`
}

type factor struct {
	Kind      string    `json:"kind"`
	Assertion assertion `json:"credentialAssertion"`
}

// completion is the body of POST /auth/action.
type completion struct {
	Identifier   string  `json:"challengeIdentifier"`
	FirstFactor  factor  `json:"firstFactor"`
	SecondFactor *factor `json:"secondFactor,omitempty"`
}

// obtain sends a request that must succeed and reads its answer.
func (s *stage) obtain(t *testing.T, m message, into any) {
	t.Helper()
	got, err := s.send(m, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got.status != http.StatusOK {
		t.Fatalf("%s: %d %s", m.line, got.status, got.body)
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		t.Fatal(err)
	}
}

// challenge asks for a challenge to sign.
func (a *account) challenge(t *testing.T, method, path, payload string) offer {
	t.Helper()
	var o offer
	body := text(t, initBody{Payload: payload, Method: method, Path: path})
	a.stage.obtain(t, post("/auth/action/init", body).by(a), &o)
	return o
}

// clientData is what a client signs.
func (o offer) clientData() string { return `{"type":"key.get","challenge":"` + o.Challenge + `"}` }

// completes answers a challenge as a client does.
func (a *account) completes(t *testing.T, o offer) completion {
	t.Helper()
	return a.completesWith(t, o, o.clientData())
}

// completesWith signs any client data.
func (a *account) completesWith(t *testing.T, o offer, clientData string) completion {
	t.Helper()
	return completion{Identifier: o.Identifier, FirstFactor: factor{"Key", assertion{
		CredID: a.credential, ClientData: unpadded([]byte(clientData)), Signature: unpadded(sign(t, a.key, clientData)),
	}}}
}

func unpadded(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// sign signs as the official clients do.
func sign(t *testing.T, key crypto.Signer, text string) []byte {
	t.Helper()
	message, hash := []byte(text), crypto.Hash(0)
	if _, pure := key.(ed25519.PrivateKey); !pure {
		digest := sha256.Sum256(message)
		message, hash = digest[:], crypto.SHA256
	}
	signature, err := key.Sign(rand.Reader, message, hash)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// complete is the request that answers a challenge.
func complete(t *testing.T, c completion) message {
	t.Helper()
	return post("/auth/action", text(t, c))
}

// action returns a user action for a request.
func (a *account) action(t *testing.T, method, path, payload string) string {
	t.Helper()
	return a.redeemable(t, a.challenge(t, method, path, payload))
}

func (a *account) redeemable(t *testing.T, o offer) string {
	t.Helper()
	var given struct{ UserAction string }
	a.stage.obtain(t, complete(t, a.completes(t, o)).by(a), &given)
	return given.UserAction
}

// signed is a POST that the account consented to, with its token.
func (a *account) signed(t *testing.T, path, body string) message {
	t.Helper()
	return post(path, body).by(a).carrying(a.action(t, "POST", path, body))
}

func exportPath(key string) string { return "/keys/" + key + "/export" }

func walletPath(key string) string {
	return "/wallets/wa-" + strings.TrimPrefix(key, "key-") + "/export"
}

// exportBody asks for shares sealed to an encryption key, in every scheme.
func (s *stage) exportBody(t *testing.T, encryptionKey string) string {
	t.Helper()
	asked := s.exported
	asked.EncryptionKey = encryptionKey
	return text(t, asked)
}

// honest is the body of an export as a client sends it.
func (s *stage) honest(t *testing.T) string { return s.exportBody(t, s.exported.EncryptionKey) }
