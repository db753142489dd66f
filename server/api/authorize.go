package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/useraction"
)

// The headers that carry a caller's authority.
const (
	headerToken  = "Authorization"
	headerAction = "X-Dfns-Useraction"
)

// The refusals of these headers look like those of what they should carry. A header
// that comes twice is refused because a proxy may have looked at the other one.
var (
	errNoToken        = fault.New(fault.Unauthenticated, "token.missing", identity.ErrNotAuthorized.Message)
	errTokenHeader    = fault.New(fault.Unauthenticated, "token.malformed", identity.ErrNotAuthorized.Message)
	errActionRepeated = fault.New(fault.Forbidden, "action.header-repeated", useraction.ErrMissing.Message)
)

// handler answers the call of a known principal with a value to render.
type handler func(c *call) (any, error)

// serve is the way to every handler: first the token, then a nonce where one is sent,
// then the handler, which gives the body of a 200.
func (a *API) serve(handle handler) echo.HandlerFunc {
	return func(routed echo.Context) error {
		c := routed.(*call) // answer made it one
		c.route = c.Path()
		token, err := bearer(c.Request().Header)
		if err != nil {
			return err
		}
		if c.principal, err = a.Identity.Authenticate(c.context(), token); err != nil {
			return err
		}
		if err := a.checkNonce(c); err != nil {
			return err
		}
		body, err := handle(c)
		if err != nil {
			return err
		}
		return render(c, http.StatusOK, body)
	}
}

// bearer returns the token of RFC 6750 §2.1.
func bearer(header http.Header) (string, error) {
	values := header.Values(headerToken)
	if len(values) == 0 {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	if len(values) > 1 || token == "" || !strings.EqualFold(scheme, "Bearer") {
		return "", errTokenHeader
	}
	return token, nil
}

// consented is the way of every call that needs a user action: the body, parsed so
// that a malformed one is refused as such, then the action for exactly that body.
// What was parsed is not used: what is done follows from the copy that was signed.
func consented[order any](a *API, c *call, parse func(payload []byte) (order, error)) (useraction.Proof, error) {
	payload, err := a.payload(c)
	if err != nil {
		return useraction.Proof{}, err
	}
	if _, err := parse(payload); err != nil {
		return useraction.Proof{}, err
	}
	return a.consent(c, payload)
}

// consent matches the call with the user action in its header.
func (a *API) consent(c *call, payload []byte) (useraction.Proof, error) {
	values := c.Request().Header.Values(headerAction)
	switch len(values) {
	case 0:
		return useraction.Proof{}, useraction.ErrMissing
	case 1:
	default:
		return useraction.Proof{}, errActionRepeated
	}
	request := challenge.Request{Method: c.Request().Method, Path: c.path(), Payload: string(payload)}
	var err error
	c.proof, err = a.Actions.Verify(c.context(), c.principal, values[0], request)
	return c.proof, err
}
