package guard

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"keyferry/server/challenge"
	"keyferry/server/strictjson"
)

// errChallenge says that the server wants something else signed than what the client
// asked for.
var errChallenge = errors.New("the challenge is not for this request")

type initRequest struct {
	Payload string `json:"userActionPayload" required:"true"`
	Method  string `json:"userActionHttpMethod" required:"true"`
	Path    string `json:"userActionHttpPath" required:"true"`
}

// offer is what the client is asked to sign, and what the server says that it means.
type offer struct {
	Challenge string         `json:"challenge" required:"true"`
	Input     jsontext.Value `json:"challengeInput" required:"true"`
}

// checkChallenge returns the check of a challenge for the request that the client
// states.
func (g *Guard) checkChallenge(body []byte) (check, error) {
	var stated initRequest
	if err := strictjson.Decode(body, &stated); err != nil {
		return nil, badRequest(err)
	}
	request := challenge.Request{Method: stated.Method, Path: stated.Path, Payload: stated.Payload}
	return succeeding(func(a *answer) error {
		var o offer
		if err := strictjson.Decode(a.body, &o); err != nil {
			return fmt.Errorf("%w: %w", errChallenge, err)
		}
		return g.checkOffer(o, request)
	}), nil
}

// checkOffer computes the challenge from its input. What the server says of it is worth
// nothing until it hashes to what is to be signed.
func (g *Guard) checkOffer(o offer, request challenge.Request) error {
	var in challenge.Input
	if err := json.Unmarshal(o.Input, &in); err != nil {
		return fmt.Errorf("%w: member \"challengeInput\" is not a challenge's input", errChallenge)
	}
	if in.Challenge() != o.Challenge {
		return fmt.Errorf("%w: it is not the hash of what the server says it is for", errChallenge)
	}
	if err := in.Binds(request); err != nil {
		return fmt.Errorf("%w: %w", errChallenge, err)
	}
	if err := g.checkNames(in); err != nil {
		return err
	}
	if err := in.CheckWindow(g.config.Now()); err != nil {
		return fmt.Errorf("%w: %w", errChallenge, err)
	}
	return nil
}

func (g *Guard) checkNames(in challenge.Input) error {
	switch {
	case in.Deployment != g.config.Manifest.Deployment:
		return fmt.Errorf("%w: it is for deployment %.64q in place of %q", errChallenge, in.Deployment, g.config.Manifest.Deployment)
	case in.Organisation != g.config.Organisation:
		return fmt.Errorf("%w: it is for organisation %.64q in place of %q", errChallenge, in.Organisation, g.config.Organisation)
	case len(g.config.Users) > 0 && !slices.Contains(g.config.Users, in.User):
		return fmt.Errorf("%w: it is for user %.64q, who is not pinned", errChallenge, in.User)
	}
	return nil
}
