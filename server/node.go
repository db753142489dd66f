//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/metrics"
	"keyferry/server/signer"
	"keyferry/server/signer/documents"
	"keyferry/server/signer/node"
	"keyferry/server/signer/remote"
	"keyferry/server/signer/trust"
	"keyferry/server/store"
)

// trustEvery is how soon an installed trust document comes into force.
const trustEvery = time.Second

// NodeConfig is what a [Node] is made of.
type NodeConfig struct {
	config.Node
	Log *slog.Logger
	Now func() time.Time // time.Now if nil
}

func (c NodeConfig) withDefaults() (NodeConfig, error) {
	if c.Log == nil {
		return c, errors.New("server: no log is given")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// Node is a signer as a process of its own: token, store and trust are its own, and it
// believes no server. Its address is taken when it is made; it answers while Run runs.
type Node struct {
	config  NodeConfig
	closers closers
	store   *store.Signer
	trust   *trust.Trust
	signer  *node.Node
	server  *remote.Server
	metrics *metrics.Metrics
	monitor *monitor // nil: off
}

// OpenNode opens everything that the configuration names. Nothing is left open after an
// error. A directory that another process uses is refused with [ErrRunning].
func OpenNode(ctx context.Context, c NodeConfig) (*Node, error) {
	c, err := c.withDefaults()
	if err := errors.Join(err, c.Validate()); err != nil {
		return nil, err
	}
	n := &Node{config: c, metrics: metrics.New()}
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open(ctx context.Context) error {
	lock, err := lockNode(n.config.Node)
	if err != nil {
		return err
	}
	n.closers.add(lock.Close)
	if n.store, err = openNodeStore(ctx, n.config); err != nil {
		return err
	}
	n.closers.add(n.store.Close)
	if n.trust, err = openTrust(ctx, n.config, n.store); err != nil {
		return err
	}
	if err := n.openSigner(ctx); err != nil {
		return err
	}
	if err := n.openMonitor(); err != nil {
		return err
	}
	if err := n.listen(); err != nil {
		return err
	}
	return n.store.Append(ctx, audit.Entry{
		Time: challenge.MillisOf(n.config.Now()), Kind: audit.SignerStarted, Details: map[string]string{"signer": n.ID()},
	})
}

func lockNode(c config.Node) (io.Closer, error) {
	if c.Directory() == "" {
		return io.NopCloser(nil), nil
	}
	return LockDirectory(c.Directory())
}

func openNodeStore(ctx context.Context, c NodeConfig) (*store.Signer, error) {
	opened, err := store.OpenSigner(ctx, store.Config{Path: c.Store, Now: c.Now})
	if err != nil {
		return nil, fmt.Errorf("opening the signer's store: %w", err)
	}
	return opened, nil
}

func (n *Node) openSigner(ctx context.Context) error {
	cluster, err := readManifest(n.config.Manifest, n.config.Deployment)
	if err != nil {
		return err
	}
	token, closeToken, err := openNodeToken(n.config.Node, n.config.Limits.Sessions, n.metrics)
	if err != nil {
		return err
	}
	n.closers.add(closeToken)
	n.metrics.Watch(token)
	if err := fit(ctx, token, n.config.Log); err != nil {
		return err
	}
	n.signer, err = node.New(ctx, node.Config{
		Deployment: n.config.Deployment, Token: token, Store: n.store, Trust: documents.Trust{Trust: n.trust},
		Now: n.config.Now, NotBefore: n.config.NotBefore,
	})
	if err != nil {
		return err
	}
	return n.signer.Join(cluster)
}

// openNodeToken opens the module for the one token. Closing it closes both.
func openNodeToken(c config.Node, sessions int, observer hsm.Observer) (*hsm.Token, func() error, error) {
	module, err := openModule(c.PKCS11)
	if err != nil {
		return nil, nil, err
	}
	token, err := openToken(module, c.Signer(), sessions, observer)
	if err != nil {
		return nil, nil, errors.Join(err, module.Close())
	}
	return token, func() error { return errors.Join(token.Close(), module.Close()) }, nil
}

// listen takes the address for the pinned servers, with the identity key for TLS.
func (n *Node) listen() error {
	certificates, err := remote.NewCertificates(n.signer.Identity(), n.config.Now)
	if err != nil {
		return err
	}
	identity := remote.Identity{Certificates: certificates, Now: n.config.Now}
	for _, text := range n.config.Servers {
		pin, err := remote.ParsePin(text)
		if err != nil {
			return err
		}
		identity.Pins = append(identity.Pins, pin)
	}
	// An action has its payload in base64, and a signature with what goes with it; and so
	// has each approval.
	maxBody := 2*n.config.Limits.Body + 64<<10 + 2*signer.MaxApprovals*signer.MaxApprovalBytes
	handler, err := remote.NewHandler(n.signer, n.config.Log, maxBody, n.config.Limits.Connections)
	if err != nil {
		return err
	}
	n.server, err = remote.Listen(n.config.Listen, identity, handler, n.config.Limits.Connections, n.config.Log)
	if err != nil {
		return err
	}
	n.closers.add(n.server.Close)
	return nil
}

// Run answers questions until ctx ends, and keeps trust and store up to date. Then it
// lets running ones come to their end for as long as is configured, and returns nil.
func (n *Node) Run(ctx context.Context) error {
	background, stop := context.WithCancel(ctx)
	var behind sync.WaitGroup
	behind.Go(func() {
		n.trust.Watch(background, trustEvery, func(err error) { reportTrust(n.config.Log, err) })
	})
	behind.Go(func() { n.purge(background) })
	behind.Go(func() {
		verifier{n.config.Verify, n.config.Token.Label, n.signer, n.metrics, n.config.Log}.run(background)
	})
	behind.Go(func() { n.monitor.serve(background, n.config.Log) })
	defer behind.Wait()
	defer stop()
	return n.server.Serve(ctx, n.config.Timeouts.Shutdown)
}

func (n *Node) purge(ctx context.Context) {
	every(ctx, purgeEvery, func() {
		purgeAll(ctx, n.config.Log, "used actions", func() (int64, error) { return n.store.PurgeUses(ctx, n.config.Now()) })
	})
}

// ReloadTrust brings installed documents into force now, in place of within a second.
func (n *Node) ReloadTrust(ctx context.Context) { reportTrust(n.config.Log, n.trust.Reload(ctx)) }

// Addr returns where the signer listens, with the port that it was given.
func (n *Node) Addr() net.Addr { return n.server.Addr() }

// ID returns the signer's id.
func (n *Node) ID() string { return n.signer.Info().ID.String() }

// Close gives back everything, last opened first. Run must have returned, or never have
// been called.
func (n *Node) Close() error { return n.closers.close() }
