//go:build cgo

package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"keyferry/config"
	"keyferry/server/api"
	"keyferry/server/health"
	"keyferry/server/identity"
	"keyferry/server/metrics"
	"keyferry/server/signer"
	"keyferry/server/store"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
	"keyferry/shares/locked"
	"keyferry/shares/manifest"
)

// Config is what a server is made of.
type Config struct {
	config.Config
	Log *slog.Logger
	Now func() time.Time // time.Now if nil
}

func (c Config) withDefaults() (Config, error) {
	if c.Log == nil {
		return c, errors.New("server: no log is given")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, c.Validate()
}

// Server is a running server's parts. Its address is taken when it is made; it
// answers while Run runs.
type Server struct {
	config       Config
	closers      closers
	store        *store.Server
	signerStores []*store.Signer
	verifiers    []verifier
	sweeper      locked.Sweeper
	verified     *useraction.Verified
	orders       *signer.Orders
	metrics      *metrics.Metrics
	health       *health.Checker
	monitor      *monitor // nil: off
	transfer     *transfer.Service
	http         *http.Server
	listener     net.Listener
}

// New opens everything that the configuration names. Nothing is left open after an
// error. A directory that another server uses is refused with [ErrRunning].
func New(ctx context.Context, c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, metrics: metrics.New(), verified: useraction.NewVerified(), orders: signer.NewOrders()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	lock, err := lockState(s.config.Config)
	if err != nil {
		return err
	}
	s.closers.add(lock.Close)
	s.store, err = store.OpenServer(ctx, store.Config{Path: s.config.Database, Now: s.config.Now})
	if err != nil {
		return fmt.Errorf("opening the server's database: %w", err)
	}
	s.closers.add(s.store.Close)
	if err := s.openTransfer(ctx); err != nil {
		return err
	}
	handler, err := s.newAPI()
	if err != nil {
		return err
	}
	if err := s.openMonitor(); err != nil {
		return err
	}
	return s.listen(s.health.Serve(health.StatusOnly, handler))
}

// openTransfer opens the signers, and closes what a crash left open before any
// request can come, where no other process can be at it.
func (s *Server) openTransfer(ctx context.Context) error {
	cluster, err := s.openCluster(ctx)
	if err != nil {
		return err
	}
	s.transfer, err = transfer.New(transfer.Config{
		Journal: s.metrics.Journal(s.store), Manifest: cluster.manifest, Signers: cluster.signers, Orders: s.orders,
		Timeout: s.config.Timeouts.Signers, Now: s.config.Now, Log: s.config.Log,
	})
	if err != nil {
		return err
	}
	var age time.Duration // zero: whoever has the lock is alone with the journal
	if config.IsURL(s.config.Database) {
		age = s.transfer.LongestAct()
	}
	if err := s.transfer.Reconcile(ctx, age); err != nil {
		return fmt.Errorf("reconciling with the journal: %w", err)
	}
	return nil
}

func (s *Server) newAPI() (http.Handler, error) {
	tokens, identifiers, err := openTokens(s.config)
	if err != nil {
		return nil, err
	}
	actions, err := useraction.New(useraction.Config{
		Deployment: s.config.Deployment, Identifiers: identifiers, Actions: s.store, Credentials: s.store,
		RelyingParty: relyingParty(s.config.RelyingParty), Window: s.config.Timeouts.Action, Now: s.config.Now,
		Verified: s.verified,
	})
	if err != nil {
		return nil, err
	}
	log, err := openAuditLog(s.config, s.store)
	if err != nil {
		return nil, err
	}
	return api.New(api.Config{
		Identity: identity.NewAuthenticator(tokens, s.store), Actions: actions, Transfer: s.transfer, Audit: s.metrics.Log(s.store), Prover: log, Orders: s.orders,
		Cluster: clusterID(s.config.Deployment), RPID: s.config.RelyingParty.ID, RPName: s.config.RelyingParty.Name,
		Limits: s.limits(), Now: s.config.Now, Log: s.config.Log,
	})
}

func (s *Server) limits() api.Limits {
	limits := api.DefaultLimits()
	limits.BodyBytes, limits.Body = s.config.Limits.Body, s.config.Timeouts.Body
	// An import that fails asks the signers twice, and then still has to be answered.
	limits.Answer = max(limits.Answer, 2*s.config.Timeouts.Signers+10*time.Second)
	return limits
}

// clusterID names the one cluster of a deployment, for ever.
func clusterID(deployment string) string {
	digest := sha256.Sum256([]byte("keyferry cluster id v1\x00" + deployment))
	return identity.DeriveID("cl", [16]byte(digest[:16]))
}

// Manifest returns who the signers are.
func (s *Server) Manifest() manifest.Manifest { return s.transfer.Manifest }

// Addr returns where the server listens, with the port that it was given.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close gives back everything, last opened first. Run must have returned, or never
// have been called.
func (s *Server) Close() error { return s.closers.close() }
