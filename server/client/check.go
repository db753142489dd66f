package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"keyferry/server/challenge"
)

// ErrChallenge says that the server wants something else signed than what the caller
// asked for. Nothing was signed.
var ErrChallenge = errors.New("refusing to sign: the challenge is not for this request")

// Expectation is what the caller knows by itself. Empty members are not checked.
type Expectation struct {
	Deployment   string
	Organisation string
	User         string
}

// offer is the server's answer to POST /auth/action/init, as far as it matters here.
type offer struct {
	Challenge  string           `json:"challenge"`
	Identifier string           `json:"challengeIdentifier"`
	Input      *challenge.Input `json:"challengeInput"`
	Allowed    struct {
		Key []struct {
			ID string `json:"id"`
		} `json:"key"`
	} `json:"allowCredentials"`
}

// check accepts an offer whose challenge commits to this very request, by this caller,
// now. The challenge is computed here: what the server says it means is worth nothing
// until it hashes to what is to be signed.
func (e Expectation) check(o offer, request challenge.Request, now time.Time) error {
	if o.Input == nil {
		return fmt.Errorf("%w: the server does not say what the challenge is for", ErrChallenge)
	}
	if o.Input.Challenge() != o.Challenge {
		return fmt.Errorf("%w: it is not the hash of what the server says it is for", ErrChallenge)
	}
	if err := o.Input.Binds(request); err != nil {
		return fmt.Errorf("%w: %w", ErrChallenge, err)
	}
	if err := o.Input.CheckWindow(now); err != nil {
		return fmt.Errorf("%w: %w", ErrChallenge, err)
	}
	return e.checkNames(o.Input)
}

func (e Expectation) checkNames(in *challenge.Input) error {
	for _, name := range []struct{ what, expected, said string }{
		{"deployment", e.Deployment, in.Deployment},
		{"organisation", e.Organisation, in.Organisation},
		{"user", e.User, in.User},
	} {
		if name.expected != "" && name.expected != name.said {
			return fmt.Errorf("%w: it is for %s %q in place of %q", ErrChallenge, name.what, name.said, name.expected)
		}
	}
	return nil
}

// allows reports whether the server knows the credential as the caller's.
func (o offer) allows(id string) error {
	known := func(k struct {
		ID string `json:"id"`
	}) bool {
		return k.ID == id
	}
	if !slices.ContainsFunc(o.Allowed.Key, known) {
		return fmt.Errorf("credential %s is not among those that this caller may sign with", id)
	}
	return nil
}
