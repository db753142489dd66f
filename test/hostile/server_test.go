//go:build cgo

package hostile

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"keyferry/server/api"
	"keyferry/server/client"
	"keyferry/server/guard"
	"keyferry/server/transfer"
	"keyferry/test/rig"
)

// server is the API in the attacker's hand. It is honest as long as no twist is set.
type server struct {
	*httptest.Server
	honest http.Handler
	twist  atomic.Pointer[http.HandlerFunc]
}

// ServeHTTP implements [http.Handler].
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if twist := s.twist.Load(); twist != nil {
		(*twist)(w, r)
		return
	}
	s.honest.ServeHTTP(w, r)
}

// turn makes the server answer so until the test ends.
func (s *server) turn(t *testing.T, twist http.HandlerFunc) {
	t.Helper()
	s.twist.Store(&twist)
	t.Cleanup(func() { s.twist.Store(nil) })
}

// rewrite changes successful answers to one request, which is named as "GET /signers"
// or, for the end of a path, "POST /export".
func rewrite[B any](t *testing.T, s *server, request string, change func(*B)) {
	t.Helper()
	method, end, _ := strings.Cut(request, " ")
	s.turn(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, end) {
			s.honest.ServeHTTP(w, r)
			return
		}
		answer := withheld{httptest.NewRecorder(), w}
		s.honest.ServeHTTP(answer, r)
		var body B
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || answer.Code != http.StatusOK {
			t.Errorf("the honest answer was %d %s", answer.Code, answer.Body)
		}
		change(&body)
		reply(w, body)
	})
}

// withheld is an answer that the client does not see yet. The time limits that the API
// sets are the connection's.
type withheld struct {
	*httptest.ResponseRecorder
	connection http.ResponseWriter
}

// Unwrap is for [http.ResponseController].
func (w withheld) Unwrap() http.ResponseWriter { return w.connection }

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body)
}

// service is the use cases over the signers behind TLS.
func (s *stage) service(t *testing.T, wait time.Duration) *transfer.Service {
	t.Helper()
	service, err := transfer.New(transfer.Config{
		Journal: s.Store, Manifest: s.Manifest, Signers: s.signers, Timeout: wait, Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	return service
}

func (s *stage) serve(t *testing.T, wait time.Duration) *server {
	t.Helper()
	honest, err := api.New(api.Config{
		Identity: s.Auth, Actions: s.Actions, Transfer: s.service(t, wait), Audit: s.Store, Now: s.Clock.Now,
		Log: slog.New(slog.DiscardHandler), Cluster: "cl-test", RPID: rig.RelyingParty().ID, RPName: "Test", Limits: api.DefaultLimits(),
	})
	must(t, err)
	held := &server{honest: honest}
	held.Server = httptest.NewServer(held)
	t.Cleanup(held.Close)
	return held
}

// guard returns the address of a guard before the server.
func (s *stage) guard(t *testing.T) string {
	t.Helper()
	g, err := guard.New(guard.Config{
		Upstream: s.server.URL, Manifest: s.Manifest, Organisation: string(s.victim.User.Org),
		Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(g.Close)
	loopback := httptest.NewServer(g)
	t.Cleanup(loopback.Close)
	return loopback.URL
}

// caller is the victim with our own client, and with the manifest pinned.
func (s *stage) caller(t *testing.T, changes ...func(*client.Config)) *client.Client {
	t.Helper()
	credential, err := client.ParseCredential(string(s.victim.Credential.ID), s.victim.PrivateKey(t))
	must(t, err)
	config := client.Config{
		URL: s.server.URL, Token: s.victim.Token, Credential: credential, Now: s.Clock.Now, Manifest: &s.Manifest,
		Expect: client.Expectation{Organisation: string(s.victim.User.Org), User: string(s.victim.User.ID)},
	}
	for _, change := range changes {
		change(&config)
	}
	c, err := client.New(config)
	must(t, err)
	t.Cleanup(c.Close)
	return c
}

// unpinned leaves a client without the manifest.
func unpinned(c *client.Config) { c.Manifest = nil }
