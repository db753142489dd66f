//go:build cgo

package sandbox

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server"
	"keyferry/server/client"
)

// Config says where the sandbox is and how it serves.
type Config struct {
	Dir    string // made if missing
	Listen string // host:port; port 0 picks a free one
	TLS    bool   // https, with a certificate of the sandbox's own
	Log    *slog.Logger
}

// Sandbox is a server with its directory and an account on it.
type Sandbox struct {
	layout   layout
	log      *slog.Logger
	tls      bool
	lock     io.Closer
	ceremony []hsm.KeyReport
	account  account
	settings config.Config
	server   *server.Server
}

// Open makes the directory ready and opens the server, which does not answer yet. A
// directory that is in use is refused with server.ErrRunning, and left as it is.
//
// SoftHSM finds its tokens through the environment: Open sets SOFTHSM2_CONF for the
// whole process.
func Open(ctx context.Context, c Config) (*Sandbox, error) {
	l, err := newLayout(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the sandbox's directory: %w", err)
	}
	lock, err := server.LockDirectory(l.dir)
	if err != nil {
		return nil, err
	}
	s := &Sandbox{layout: l, log: c.Log, tls: c.TLS, lock: lock}
	if err := s.open(ctx, c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Sandbox) open(ctx context.Context, c Config) error {
	// Nobody may take the last server's settings for this one's.
	if err := os.RemoveAll(s.layout.clientEnv()); err != nil {
		return fmt.Errorf("removing the old client.env: %w", err)
	}
	module, err := hsm.FindSoftHSM()
	if err != nil {
		return err
	}
	if s.ceremony, err = s.layout.ensureState(ctx, module); err != nil {
		return err
	}
	if err := hsm.PrepareSoftHSM(s.layout.at(tokensDir)); err != nil {
		return err
	}
	if s.settings, err = s.layout.load(c, module); err != nil {
		return err
	}
	settings := server.Config{Config: s.settings, Log: s.log, Now: time.Now}
	if s.account, err = s.layout.ensureAccount(ctx, settings); err != nil {
		return err
	}
	s.server, err = server.New(ctx, settings)
	return err
}

// load reads the state's configuration and puts in what may differ at each start.
func (l layout) load(c Config, module string) (config.Config, error) {
	settings, err := config.Load(l.at(settingsFile), nil)
	if err != nil {
		return config.Config{}, err
	}
	settings.Listen, settings.PKCS11.Module = c.Listen, module
	if c.TLS {
		host, _, err := net.SplitHostPort(c.Listen)
		if err != nil {
			return config.Config{}, fmt.Errorf("%q is not host:port", c.Listen)
		}
		settings.TLS, err = l.ensureCertificate(reachable(host), time.Now())
		if err != nil {
			return config.Config{}, err
		}
	}
	return settings, settings.Validate()
}

// reachable is a host under which a server that listens on host is found from here.
func reachable(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

// ServeWhile answers requests until act returns, lets running ones end, and returns
// act's error or the server's. If the server fails, the context of act ends.
func (s *Sandbox) ServeWhile(ctx context.Context, act func(context.Context) error) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	acting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	served := make(chan error, 1)
	go func() {
		served <- s.server.Run(serving)
		giveUp()
	}()
	err := act(acting)
	stop()
	return errors.Join(err, <-served)
}

// Ceremony tells what was made on the tokens; it is empty if the sandbox was there
// before.
func (s *Sandbox) Ceremony() []hsm.KeyReport { return s.ceremony }

// ClientEnv returns the path of client.env.
func (s *Sandbox) ClientEnv() string { return s.layout.clientEnv() }

// URL returns where the API is.
func (s *Sandbox) URL() string {
	scheme := "http"
	if s.tls {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(s.settings.Listen)
	_, port, _ := net.SplitHostPort(s.server.Addr().String())
	return scheme + "://" + net.JoinHostPort(reachable(host), port)
}

// Token returns the account's bearer token.
func (s *Sandbox) Token() string { return s.account.token }

// Client returns a client of the API, as the sandbox's account. The caller must Close
// it.
func (s *Sandbox) Client() (*client.Client, error) {
	credential, err := s.account.sign()
	if err != nil {
		return nil, err
	}
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{
		URL: s.URL(), Token: s.account.token, Credential: credential, RootCAs: roots,
		Expect: client.Expectation{
			Deployment: s.settings.Deployment, Organisation: string(s.account.org), User: string(s.account.user),
		},
	})
}

func (s *Sandbox) roots() (*x509.CertPool, error) {
	if !s.tls {
		return nil, nil
	}
	authority, err := os.ReadFile(s.layout.at(authorityFile))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	return roots, nil
}

// Close gives everything back and keeps the directory.
func (s *Sandbox) Close() error {
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	return errors.Join(err, s.lock.Close())
}
