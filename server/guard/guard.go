// Package guard is a proxy on the client's side that distrusts the API server, for
// clients that cannot do so themselves.
//
// The official SDKs sign whatever challenge they are sent, seal shares to whatever
// signers they are told, and put a key together from all shares that they get. With the
// guard's address as their base URL they do so only with answers that hold:
//
//	POST /auth/action/init        the challenge is the hash of an input that names this
//	                              very request, this deployment, organisation, user and
//	                              a short time from now                   (challenge.go)
//	GET /signers                  the pinned manifest's signers, all of them and no
//	                              others                                   (signers.go)
//	POST /keys/{id}/export        shares without a good statement of a pinned signer are
//	POST /wallets/{id}/export     left out, as long as enough remain        (export.go);
//	                              of an approval only that it has no shares (approval.go)
//	other paths under /auth/      refused, but for POST /auth/action: login and
//	                              registration have challenges, too, which say nothing of
//	                              what is signed                              (route.go)
//	everything else               is passed through
//
// Requests and answers are passed on byte for byte, apart from shares that are left out
// and from the headers that are the connection's own matter (headers.go). An answer is
// read whole and checked before the client sees its first byte (exchange.go); what does
// not hold becomes an error in the API's shape (refusal.go). Redirects are refused: they
// would lead the client around the guard.
//
// Where a signer has an identity key that the pinned manifest does not know, the guard asks
// for the signers itself, with the client's access token, and believes the pinned key that
// links it.
//
// The guard has no secrets and no state. Each answer is checked with the request that
// it answers and with what was pinned at the start: the manifest, the organisation and
// the users. These come from the operator, out of band. They are not learnt from the
// first answer or from the access token, for both are of the server's making. Where no
// users are pinned, any user of the organisation passes; a signature is then still good
// only for a user with the credential that made it.
//
// Not checked is that the request which carries a signed action is the one that was
// signed: the signers check that, and a client's own process is not what the guard
// protects from. Nor does the guard see more than the client's traffic with this one
// base URL: an SDK with a separate URL for authentication must have the guard's for
// both. And it opens no share: a signer that seals garbage and says so truly passes.
package guard

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"keyferry/shares/manifest"
)

// DefaultTimeout bounds one exchange with the server. It is longer than the server
// takes for the slowest import.
const DefaultTimeout = 90 * time.Second

// Config says where the API is and what is pinned.
type Config struct {
	Upstream     string            // the API's URL: https; plain http to loopback only
	RootCAs      *x509.CertPool    // of the upstream; nil: the system's
	Manifest     manifest.Manifest // the signers, and the deployment
	Organisation string            // whose challenges and shares pass
	Users        []string          // whose challenges pass; none: those of any user of the organisation
	Timeout      time.Duration     // DefaultTimeout if zero
	Now          func() time.Time  // time.Now if nil
	Log          *slog.Logger
}

// Guard is the proxy's handler. It is safe for concurrent use.
type Guard struct {
	config   Config
	upstream *url.URL
	http     *http.Transport
}

// New checks the configuration. It does not connect yet.
func New(c Config) (*Guard, error) {
	upstream, err := parseUpstream(c.Upstream)
	if err != nil {
		return nil, err
	}
	if c.Organisation == "" || c.Log == nil {
		return nil, errors.New("guard: an organisation and a log must be given")
	}
	// What is pinned holds together, whoever read it.
	if c.Manifest, err = manifest.New(c.Manifest.Deployment, c.Manifest.Members); err != nil {
		return nil, fmt.Errorf("guard: the pinned manifest: %w", err)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Guard{config: c, upstream: upstream, http: newTransport(c.RootCAs)}, nil
}

// Close drops idle connections to the upstream.
func (g *Guard) Close() { g.http.CloseIdleConnections() }

// ServeHTTP passes a request on and its answer back, or refuses either.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := g.serve(w, r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	answer.write(w)
}

func (g *Guard) serve(w http.ResponseWriter, r *http.Request) (*answer, error) {
	body, err := readRequest(w, r)
	if err != nil {
		return nil, err
	}
	check, err := g.route(r, body)
	if err != nil {
		return nil, err
	}
	answer, err := g.exchange(r, body)
	if err != nil {
		return nil, err
	}
	return answer, check(answer)
}
