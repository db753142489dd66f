package api

import (
	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// serverKind is the kind of server that actions are signed for; clients may leave it
// out.
const serverKind = "Api"

type initBody struct {
	Payload    string  `json:"userActionPayload" required:"true"`
	Method     string  `json:"userActionHttpMethod" required:"true"`
	Path       string  `json:"userActionHttpPath" required:"true"`
	ServerKind *string `json:"userActionServerKind"`
}

// challengeBody is a challenge. Its input is more than the official clients look at:
// with it, a client can check what it is asked to sign.
type challengeBody struct {
	Challenge                 string             `json:"challenge"`
	ChallengeIdentifier       string             `json:"challengeIdentifier"`
	ChallengeInput            challenge.Input    `json:"challengeInput"`
	RP                        relyingParty       `json:"rp"`
	SupportedCredentialKinds  []supportedKind    `json:"supportedCredentialKinds"`
	UserVerification          string             `json:"userVerification"`
	Attestation               string             `json:"attestation"`
	AllowCredentials          allowedCredentials `json:"allowCredentials"`
	ExternalAuthenticationURL string             `json:"externalAuthenticationUrl"`
}

type relyingParty struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type supportedKind struct {
	Kind                 identity.CredentialKind `json:"kind"`
	Factor               string                  `json:"factor"`
	RequiresSecondFactor bool                    `json:"requiresSecondFactor"`
}

// allowedCredentials has all its lists even if empty: clients map over them.
type allowedCredentials struct {
	Key                  []allowedCredential `json:"key"`
	WebAuthn             []allowedCredential `json:"webauthn"`
	PasswordProtectedKey []allowedCredential `json:"passwordProtectedKey"`
}

type allowedCredential struct {
	Type string                `json:"type"`
	ID   identity.CredentialID `json:"id"`
}

// initAction is POST /auth/action/init: a challenge for one request.
func (a *API) initAction(c *call) (any, error) {
	payload, err := a.payload(c)
	if err != nil {
		return nil, err
	}
	var body initBody
	if err := decode(payload, &body); err != nil {
		return nil, err
	}
	if body.ServerKind != nil && *body.ServerKind != serverKind {
		return nil, malformed("userActionServerKind must be " + serverKind)
	}
	request := challenge.Request{Method: body.Method, Path: body.Path, Payload: body.Payload}
	issued, err := a.Actions.Init(c.context(), c.principal, request)
	if err != nil {
		return nil, err
	}
	return a.challengeBody(issued), nil
}

func (a *API) challengeBody(issued useraction.Issued) challengeBody {
	allowed := allowedCredentials{
		Key: []allowedCredential{}, WebAuthn: []allowedCredential{}, PasswordProtectedKey: []allowedCredential{},
	}
	for _, credential := range issued.Credentials {
		if credential.Kind == identity.KeyCredential {
			allowed.Key = append(allowed.Key, allowedCredential{Type: "public-key", ID: credential.ID})
		}
	}
	return challengeBody{
		Challenge:                issued.Input.Challenge(),
		ChallengeIdentifier:      issued.ID,
		ChallengeInput:           issued.Input,
		RP:                       relyingParty{ID: a.RPID, Name: a.RPName},
		SupportedCredentialKinds: []supportedKind{{Kind: identity.KeyCredential, Factor: "first"}},
		UserVerification:         "required",
		Attestation:              "none",
		AllowCredentials:         allowed,
	}
}

type completeBody struct {
	ChallengeIdentifier string    `json:"challengeIdentifier" required:"true"`
	FirstFactor         factor    `json:"firstFactor" required:"true"`
	SecondFactor        *struct{} `json:"secondFactor"`
}

type factor struct {
	Kind                string `json:"kind" required:"true"`
	CredentialAssertion struct {
		CredID     string  `json:"credId" required:"true"`
		ClientData string  `json:"clientData" required:"true"`
		Signature  string  `json:"signature" required:"true"`
		Algorithm  *string `json:"algorithm"`
	} `json:"credentialAssertion" required:"true"`
}

// hashAlgorithm is the one that signatures are verified with where the kind of key
// leaves a choice. Clients may leave it out, and do.
const hashAlgorithm = "SHA256"

type userActionBody struct {
	UserAction string `json:"userAction"`
}

// completeAction is POST /auth/action: a signed challenge for a userAction token.
func (a *API) completeAction(c *call) (any, error) {
	payload, err := a.payload(c)
	if err != nil {
		return nil, err
	}
	var body completeBody
	if err := decode(payload, &body); err != nil {
		return nil, err
	}
	response, err := body.response()
	if err != nil {
		return nil, err
	}
	token, err := a.Actions.Complete(c.context(), c.principal, response)
	if err != nil {
		return nil, err
	}
	return userActionBody{UserAction: token}, nil
}

// response refuses what would otherwise be passed over: a client that sends a second
// factor counts on its being checked.
func (b completeBody) response() (useraction.Response, error) {
	assertion := b.FirstFactor.CredentialAssertion
	switch {
	case b.SecondFactor != nil:
		return useraction.Response{}, malformed("secondFactor is not supported")
	case assertion.Algorithm != nil && *assertion.Algorithm != hashAlgorithm:
		return useraction.Response{}, malformed("algorithm must be " + hashAlgorithm)
	}
	return useraction.Response{
		ID:         b.ChallengeIdentifier,
		Kind:       identity.CredentialKind(b.FirstFactor.Kind),
		Credential: identity.CredentialID(assertion.CredID),
		ClientData: assertion.ClientData,
		Signature:  assertion.Signature,
	}, nil
}
