//go:build cgo

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server"
	"keyferry/server/client"
	"keyferry/shares/manifest"
)

// Cluster is a deployment whose signers stand apart, on this machine: six processes of
// this very program, each signer's with a token, a store and trust of its own. What is
// set up here is set up by the commands that operators use (cluster_make.go); what runs
// are ordinary processes (process.go), which can be killed.
//
// One file is each one's: its log, beside what belongs to it.
type Cluster struct {
	layout   layout // of the API server
	module   string
	log      *slog.Logger
	account  account
	settings config.Config
	Manifest manifest.Manifest
	signers  []*clusterSigner
	ports    []port // the signers', while they run and while they do not
	api      *process
}

// clusterSigner is one signer's place, and its process while it runs.
type clusterSigner struct {
	ID      manifest.ID
	dir     string
	address string
	running *process // nil: it is down
}

func (s *clusterSigner) at(part string) string { return filepath.Join(s.dir, part) }

// environment points SoftHSM to the signer's own token.
func (s *clusterSigner) environment() []string {
	return append(os.Environ(), "SOFTHSM2_CONF="+s.at("tokens/softhsm2.conf"))
}

// NewCluster makes everything in an empty directory. Nothing runs yet.
//
// SoftHSM finds its tokens through the environment: NewCluster sets SOFTHSM2_CONF for
// the whole process.
func NewCluster(ctx context.Context, dir string, log *slog.Logger) (*Cluster, error) {
	l, err := newLayout(dir)
	if err != nil {
		return nil, err
	}
	module, err := hsm.FindSoftHSM()
	if err != nil {
		return nil, err
	}
	c := &Cluster{layout: l, module: module, log: log}
	if c.ports, err = freePorts(signers); err != nil {
		return nil, err
	}
	for n, port := range c.ports {
		c.signers = append(c.signers, &clusterSigner{dir: filepath.Join(l.dir, fmt.Sprintf("signer-%d", n+1)), address: port.address()})
	}
	return c, c.make(ctx)
}

// Start starts all signers and then the API server.
func (c *Cluster) Start(ctx context.Context) error {
	for n := range c.signers {
		if err := c.StartSigner(ctx, n); err != nil {
			return err
		}
	}
	return c.StartServer(ctx)
}

// StartServer starts the API server if it is down. It listens at a new address: clients
// are to be made anew.
func (c *Cluster) StartServer(ctx context.Context) error {
	if c.api != nil {
		return nil
	}
	var err error
	c.api, err = start(ctx, c.layout.at("server.log"), os.Environ(), "serve", "--config", c.layout.at(settingsFile))
	if err != nil {
		return fmt.Errorf("starting the API server: %w", err)
	}
	return nil
}

// KillServer ends the API server as a power failure would.
func (c *Cluster) KillServer() error {
	running := c.api
	c.api = nil
	return running.kill()
}

// StartSigner starts the n-th signer, from 0, if it is down.
func (c *Cluster) StartSigner(ctx context.Context, n int) error {
	s := c.signers[n]
	if s.running != nil {
		return nil
	}
	var err error
	s.running, err = start(ctx, s.at("signer.log"), s.environment(), "signer", "serve", "--config", s.at("signer.yaml"))
	if err != nil {
		return fmt.Errorf("starting signer %d: %w", n+1, err)
	}
	return nil
}

// KillSigner ends the n-th signer as a power failure would.
func (c *Cluster) KillSigner(n int) error {
	s := c.signers[n]
	running := s.running
	s.running = nil
	return running.kill()
}

// Freeze freezes a key at the n-th signer, with the command of its operator.
func (c *Cluster) Freeze(ctx context.Context, n int, key string) error {
	_, err := c.atSigner(ctx, n, "signer", "freeze", "--key", key)
	return err
}

// Thaw undoes Freeze.
func (c *Cluster) Thaw(ctx context.Context, n int, key string) error {
	_, err := c.atSigner(ctx, n, "signer", "thaw", "--key", key)
	return err
}

func (c *Cluster) atSigner(ctx context.Context, n int, command ...string) (string, error) {
	s := c.signers[n]
	return run(ctx, s.environment(), append(command, "--config", s.at("signer.yaml"))...)
}

// SignerID returns the n-th signer's id.
func (c *Cluster) SignerID(n int) manifest.ID { return c.signers[n].ID }

// SignerURL returns where the n-th signer listens.
func (c *Cluster) SignerURL(n int) string { return "https://" + c.signers[n].address }

// Processes returns the ids of the processes that run, the API server's first.
func (c *Cluster) Processes() []int {
	var ids []int
	if c.api != nil {
		ids = append(ids, c.api.command.Process.Pid)
	}
	for _, s := range c.signers {
		if s.running != nil {
			ids = append(ids, s.running.command.Process.Pid)
		}
	}
	return ids
}

// URL returns where the API is.
func (c *Cluster) URL() string { return "http://" + c.api.address }

// Client returns a client of the API that has the cluster's manifest pinned. The caller
// must Close it.
func (c *Cluster) Client() (*client.Client, error) {
	credential, err := c.account.sign()
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{
		URL: c.URL(), Token: c.account.token, Credential: credential, Manifest: &c.Manifest,
		Expect: client.Expectation{
			Deployment: c.settings.Deployment, Organisation: string(c.account.org), User: string(c.account.user),
		},
	})
}

// Close ends all processes in order, and gives their ports back. Those that are down are
// passed over.
func (c *Cluster) Close() error {
	var errs []error
	if c.api != nil {
		errs = append(errs, c.api.stop())
	}
	for _, s := range c.signers {
		if s.running != nil {
			errs = append(errs, s.running.stop())
		}
	}
	errs = append(errs, giveBack(c.ports))
	c.ports = nil
	return errors.Join(errs...)
}

// accountSettings is the server as the sandbox's account is made on it.
func (c *Cluster) accountSettings() server.Config {
	return server.Config{Config: c.settings, Log: c.log, Now: time.Now}
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }
