// Package api is the HTTP face of the service: the Dfns key API as its official
// clients speak it. It reads requests, calls one use case each, and writes answers.
//
// The way of a request:
//
//	API.ServeHTTP   the path's one normal form; routing knows no other  (path.go)
//	API.answer      the frame: one JSON answer, one log line            (answer.go, log.go)
//	API.serve       the bearer token; every route needs one             (authorize.go)
//	API.checkNonce  the nonce that older clients send                   (nonce.go)
//	API.payload     the body, limited in size and time                  (body.go)
//	a handler       strict decoding, the user action where one is due, a use case
//	                (actions.go, credentials.go, keys.go, export.go, approval.go, import.go,
//	                signers.go)
//	render          the answer                                          (render.go)
//
// What goes wrong is an error all the way up to the frame, where it becomes an entry
// of the audit record (record.go) and a status with a JSON object (faults.go). There
// is no other way to answer than JSON, and there are no redirects.
//
// The package decides nothing: what a caller may do is for server/useraction and
// server/policy, behind server/transfer. It never sees a share or a private key.
package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// Config is what an [API] is made of. All of it is needed, but for what may be nil.
type Config struct {
	Identity *identity.Authenticator
	Actions  *useraction.Service
	Transfer *transfer.Service
	Audit    audit.Log
	Prover   Prover           // of the audit record; nil: answers carry no receipts
	Orders   *signer.Orders   // shared by those who read them in the process; may be nil
	Now      func() time.Time // of the audit record
	Log      *slog.Logger     // one line for each request
	Cluster  string           // the id of the cluster of signers, the same for ever
	RPID     string           // the relying party's domain, as clients of WebAuthn need it
	RPName   string           // its name for people
	Limits   Limits
}

// API is the handler of all requests. It is safe for concurrent use.
type API struct {
	Config
	router    *echo.Echo
	nonces    *nonces
	strangers *strangers
}

// New checks the configuration.
func New(c Config) (*API, error) {
	if c.Identity == nil || c.Actions == nil || c.Transfer == nil || c.Audit == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("api: incomplete configuration")
	}
	if c.Cluster == "" || c.RPID == "" || c.RPName == "" {
		return nil, errors.New("api: the cluster and the relying party need names")
	}
	if err := c.Limits.check(); err != nil {
		return nil, err
	}
	// A failed import asks the signers once more, to discard what they prepared.
	if longest := 2 * c.Transfer.Timeout; c.Limits.Answer < longest {
		return nil, fmt.Errorf("api: an answer may take %v, but an import %v", c.Limits.Answer, longest)
	}
	a := &API{Config: c, router: echo.New(), nonces: new(nonces), strangers: newStrangers()}
	a.router.Use(a.answer)
	a.route()
	return a, nil
}

// route is the list of all that the API can do.
func (a *API) route() {
	for _, r := range []struct {
		method, pattern string
		handle          handler
	}{
		{http.MethodPost, "/auth/action/init", a.initAction},
		{http.MethodPost, "/auth/action", a.completeAction},
		{http.MethodGet, "/signers", a.listSigners},
		{http.MethodGet, "/keys", a.listKeys},
		{http.MethodGet, "/keys/:" + keyParam, a.getKey},
		{http.MethodPost, "/keys/import", a.importKey},
		{http.MethodPost, "/keys/:" + keyParam + "/export", a.exportKey},
		{http.MethodPost, "/wallets/:" + walletParam + "/export", a.exportKey},
	} {
		a.router.Add(r.method, r.pattern, a.serve(r.handle))
	}
}
