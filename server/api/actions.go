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
	return challengeBody{
		Challenge:                issued.Input.Challenge(),
		ChallengeIdentifier:      issued.ID,
		ChallengeInput:           issued.Input,
		RP:                       relyingParty{ID: a.RPID, Name: a.RPName},
		SupportedCredentialKinds: supportedKinds(issued.Credentials),
		UserVerification:         "required",
		Attestation:              "none",
		AllowCredentials:         allowCredentials(issued.Credentials),
	}
}

type completeBody struct {
	ChallengeIdentifier string    `json:"challengeIdentifier" required:"true"`
	FirstFactor         factor    `json:"firstFactor" required:"true"`
	SecondFactor        *struct{} `json:"secondFactor"`
}

type factor struct {
	Kind                string    `json:"kind" required:"true"`
	CredentialAssertion assertion `json:"credentialAssertion" required:"true"`
}

type assertion struct {
	CredID            string  `json:"credId" required:"true"`
	ClientData        string  `json:"clientData" required:"true"`
	AuthenticatorData *string `json:"authenticatorData"`
	Signature         string  `json:"signature" required:"true"`
	Algorithm         *string `json:"algorithm"`
	// UserHandle is what an authenticator was told of its user when the credential was
	// made. It is not compared with anything: nobody signs it, and whose a credential
	// is, is said by the record that was made when it was registered.
	UserHandle *string `json:"userHandle"`
}

// hashAlgorithm is the one that signatures are verified with where the kind of key
// leaves a choice. Clients may leave it out, and do.
const hashAlgorithm = "SHA256"

type userActionBody struct {
	UserAction string `json:"userAction"`
}

// assertionBytes is far above any identifier's and assertion's length, but for the
// payload in the identifier.
const assertionBytes = 32 << 10

// completeAction is POST /auth/action: a signed challenge for a userAction token. The
// payload that another body brought comes back in the challenge's identifier, where it
// takes not twice its length.
func (a *API) completeAction(c *call) (any, error) {
	payload, err := a.payloadWithin(c, 2*a.Limits.BodyBytes+assertionBytes)
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
	kind, a := identity.CredentialKind(b.FirstFactor.Kind), b.FirstFactor.CredentialAssertion
	authenticator := a.AuthenticatorData != nil && *a.AuthenticatorData != ""
	switch {
	case b.SecondFactor != nil:
		return useraction.Response{}, malformed("secondFactor is not supported")
	case a.Algorithm != nil && *a.Algorithm != hashAlgorithm:
		return useraction.Response{}, malformed("algorithm must be " + hashAlgorithm)
	case authenticator != (kind == identity.Fido2Credential):
		return useraction.Response{}, malformed("authenticatorData belongs to assertions of kind Fido2, and to no others")
	}
	response := useraction.Response{
		ID: b.ChallengeIdentifier, Kind: kind, Credential: identity.CredentialID(a.CredID),
		ClientData: a.ClientData, Signature: a.Signature,
	}
	if authenticator {
		response.AuthenticatorData = *a.AuthenticatorData
	}
	return response, nil
}
