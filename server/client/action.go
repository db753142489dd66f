package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	json "github.com/go-json-experiment/json"

	"keyferry/server/challenge"
)

// signed makes a request that carries its caller's consent: challenge, check,
// signature, request.
func (c *Client) signed(ctx context.Context, path string, body any, answer any) error {
	return c.signedAs(ctx, exchange{method: "POST", path: path}, body, answer)
}

// signedAs completes a request with its body and its caller's consent.
func (c *Client) signedAs(ctx context.Context, e exchange, body any, answer any) (err error) {
	if e.body, err = json.Marshal(body); err != nil {
		return err
	}
	e.action, err = c.consent(ctx, challenge.Request{Method: e.method, Path: e.path, Payload: string(e.body)})
	if err != nil {
		return fmt.Errorf("signing %s %s: %w", e.method, e.path, err)
	}
	return c.call(ctx, e, answer)
}

// consent returns the user action token for a request.
func (c *Client) consent(ctx context.Context, request challenge.Request) (string, error) {
	if c.config.Credential == nil {
		return "", errors.New("no credential is given to sign with")
	}
	o, err := c.askForChallenge(ctx, request)
	if err != nil {
		return "", err
	}
	if err := c.config.Expect.check(o, request, c.config.Now()); err != nil {
		return "", err
	}
	if err := o.allows(c.config.Credential.ID()); err != nil {
		return "", err
	}
	return c.answerChallenge(ctx, o)
}

func (c *Client) askForChallenge(ctx context.Context, request challenge.Request) (offer, error) {
	body, err := json.Marshal(struct {
		Payload string `json:"userActionPayload"`
		Method  string `json:"userActionHttpMethod"`
		Path    string `json:"userActionHttpPath"`
		Kind    string `json:"userActionServerKind"`
	}{request.Payload, request.Method, request.Path, "Api"})
	if err != nil {
		return offer{}, err
	}
	var o offer
	err = c.call(ctx, exchange{method: "POST", path: "/auth/action/init", body: body}, &o)
	return o, err
}

type assertion struct {
	CredentialID string `json:"credId"`
	ClientData   string `json:"clientData"`
	Signature    string `json:"signature"`
}

type firstFactor struct {
	Kind      string    `json:"kind"`
	Assertion assertion `json:"credentialAssertion"`
}

func (c *Client) answerChallenge(ctx context.Context, o offer) (string, error) {
	factor, err := c.config.Credential.assert(o.Challenge)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(struct {
		Identifier  string      `json:"challengeIdentifier"`
		FirstFactor firstFactor `json:"firstFactor"`
	}{o.Identifier, factor})
	if err != nil {
		return "", err
	}
	var answer struct {
		UserAction string `json:"userAction"`
	}
	if err := c.call(ctx, exchange{method: "POST", path: "/auth/action", body: body}, &answer); err != nil {
		return "", err
	}
	if answer.UserAction == "" {
		return "", errors.New("the server gave no user action")
	}
	return answer.UserAction, nil
}

// assert signs the client data in which a challenge is presented.
func (c *Credential) assert(text string) (firstFactor, error) {
	clientData, err := json.Marshal(struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}{"key.get", text})
	if err != nil {
		return firstFactor{}, err
	}
	signature, err := c.sign(clientData)
	if err != nil {
		return firstFactor{}, fmt.Errorf("signing with credential %s: %w", c.id, err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return firstFactor{"Key", assertion{c.id, encode(clientData), encode(signature)}}, nil
}
