//go:build cgo

package hostile

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/client"
	"keyferry/server/identity"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// substitution is the attack on who signs what he is sent: asked for the challenge of
// some harmless request, the server gives that of an export of its own choice, and keeps
// the signature.
type substitution struct {
	stage   *stage
	account *rig.Account                                                           // whose signature it is after
	shown   func(meant challenge.Input, stated challenge.Request) *challenge.Input // as the input; nil: none
	input   challenge.Input
	payload string
	stolen  *useraction.Signed // set before the client has its answer
}

// ServeHTTP implements [http.Handler].
func (s *substitution) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/auth/action/init":
		s.offer(w, r)
	case "/auth/action":
		s.keep(w, r)
	default:
		s.stage.server.honest.ServeHTTP(w, r)
	}
}

func (s *substitution) offer(w http.ResponseWriter, r *http.Request) {
	var stated struct {
		Payload string `json:"userActionPayload"`
		Method  string `json:"userActionHttpMethod"`
		Path    string `json:"userActionHttpPath"`
	}
	if err := json.NewDecoder(r.Body).Decode(&stated); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	type id struct {
		ID string `json:"id"`
	}
	answer := map[string]any{
		"challenge": s.input.Challenge(), "challengeIdentifier": "ch-1", "allowCredentials": map[string]any{
			"key": []id{{string(s.account.Credential.ID)}}, "webauthn": []id{}, "passwordProtectedKey": []id{},
		},
	}
	if shown := s.shown(s.input, challenge.Request{Method: stated.Method, Path: stated.Path, Payload: stated.Payload}); shown != nil {
		answer["challengeInput"] = shown
	}
	reply(w, answer)
}

// keep takes the signature, and asks the client to try again later.
func (s *substitution) keep(w http.ResponseWriter, r *http.Request) {
	var body struct {
		FirstFactor struct {
			Assertion struct {
				ClientData string `json:"clientData"`
				Signature  string `json:"signature"`
			} `json:"credentialAssertion"`
		} `json:"firstFactor"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	data, err1 := base64.RawURLEncoding.DecodeString(body.FirstFactor.Assertion.ClientData)
	signature, err2 := base64.RawURLEncoding.DecodeString(body.FirstFactor.Assertion.Signature)
	if errors.Join(err, err1, err2) == nil {
		s.stolen = &useraction.Signed{
			Input: s.input, Payload: s.payload, Credential: s.account.Credential.ID, Kind: identity.KeyCredential,
			ClientData: data, Signature: signature,
		}
	}
	http.Error(w, `{"error":{"message":"try again later"}}`, http.StatusServiceUnavailable)
}

// substitute lets the server have an export to the attacker's key signed.
func (s *stage) substitute(t *testing.T, shown func(challenge.Input, challenge.Request) *challenge.Input) *substitution {
	t.Helper()
	return s.substituteFor(t, s.victim, shown)
}

func (s *stage) substituteFor(t *testing.T, account *rig.Account, shown func(challenge.Input, challenge.Request) *challenge.Input) *substitution {
	t.Helper()
	payload := exportBody(t, s.attacker)
	input, err := challenge.New(rig.Deployment, string(account.User.Org), string(account.User.ID),
		challenge.Request{Method: "POST", Path: exportPath(s.key), Payload: payload}, s.Clock.Now(), time.Minute)
	must(t, err)
	attack := &substitution{stage: s, account: account, shown: shown, input: input, payload: payload}
	s.server.turn(t, attack.ServeHTTP)
	return attack
}

// shows is what the server may say that the challenge is for.
func shows() map[string]func(challenge.Input, challenge.Request) *challenge.Input {
	return map[string]func(challenge.Input, challenge.Request) *challenge.Input{
		"says what it is for": func(meant challenge.Input, _ challenge.Request) *challenge.Input { return &meant },
		"says nothing":        func(challenge.Input, challenge.Request) *challenge.Input { return nil },
		"says what was asked for": func(meant challenge.Input, stated challenge.Request) *challenge.Input {
			meant.Method, meant.Path, meant.PayloadHash = stated.Method, stated.Path, challenge.HashPayload(stated.Payload)
			return &meant
		},
		"says what was asked for, with the payload that is signed": func(meant challenge.Input, stated challenge.Request) *challenge.Input {
			meant.Method, meant.Path = stated.Method, stated.Path
			return &meant
		},
	}
}

// harmless is what the victim wants: his own export of another key.
func (s *stage) harmless(t *testing.T) (path, body string) {
	return exportPath(s.other), exportBody(t, s.client)
}

// This is what the design cannot prevent: a client that does not look, and no guard. The
// attacker has the key.
func TestASubstitutedChallengeSucceedsAgainstABlindClientWithoutGuard(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path, body := s.harmless(t)
	for name, shown := range shows() {
		t.Run(name, func(t *testing.T) {
			attack := s.substitute(t, shown)
			blind := &sdk{url: s.server.URL, account: s.victim}
			if answer := blind.post(t, path, body); answer.status != http.StatusServiceUnavailable || blind.signed != 1 || attack.stolen == nil {
				t.Fatalf("%d signatures, and %d %s", blind.signed, answer.status, answer.body)
			}
			recovers(t, s.gives(t, *attack.stolen), s.attacker)
		})
	}
}

func TestASubstitutedChallengeIsRefusedThroughTheGuard(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path, body := s.harmless(t)
	for name, shown := range shows() {
		t.Run(name, func(t *testing.T) {
			attack := s.substitute(t, shown)
			blind := &sdk{url: s.guard(t), account: s.victim}
			if answer := blind.post(t, path, body); answer.status != http.StatusBadGateway || blind.signed > 0 || attack.stolen != nil {
				t.Errorf("%d signatures, and %d %s", blind.signed, answer.status, answer.body)
			}
		})
	}
	honest := &sdk{url: s.guard(t), account: s.victim}
	if answer := honest.post(t, path, body); answer.status != http.StatusOK || honest.signed != 1 {
		t.Errorf("the honest challenge: %d %s", answer.status, answer.body)
	}
}

func TestASubstitutedChallengeIsRefusedByOurClient(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, shown := range shows() {
		t.Run(name, func(t *testing.T) {
			attack := s.substitute(t, shown)
			_, err := s.caller(t).Export(context.Background(), string(s.other), s.client)
			if !errors.Is(err, client.ErrChallenge) || attack.stolen != nil {
				t.Errorf("got %v; signed: %v", err, attack.stolen != nil)
			}
		})
	}
	if _, err := s.caller(t).Export(context.Background(), string(s.other), s.client); err != nil {
		t.Errorf("the honest challenge: %v", err)
	}
}
