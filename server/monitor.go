//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"keyferry/server/health"
	"keyferry/server/signer"
)

// monitor is the listener for operators' monitoring.
type monitor struct {
	http     *http.Server
	listener net.Listener
}

// openMonitor says what the service needs, and takes the monitoring's address if there
// is one.
func (s *Server) openMonitor() (err error) {
	probes := append([]health.Probe{{Name: "database", Required: true, Ask: s.tryDatabase}}, probesOf(s.transfer.Signers)...)
	s.health, err = health.New(health.Config{
		// The thresholds are the keys' own: without a majority most keys are stuck.
		Probes: probes, Quorum: len(s.transfer.Signers)/2 + 1, Now: s.config.Now,
	})
	if err != nil || s.config.Metrics.Listen == "" {
		return err
	}
	handler := s.health.Serve(health.WithReasons, s.metrics.Handler())
	if s.monitor, err = newMonitor(s.config.Metrics.Listen, handler); err != nil {
		return err
	}
	s.closers.add(s.monitor.close)
	s.config.Log.Info("serving metrics", "address", s.monitor.listener.Addr().String())
	return nil
}

// openMonitor is the same for a signer that is a process of its own, whose servers ask
// it over their connections.
func (n *Node) openMonitor() error {
	if n.config.Metrics.Listen == "" {
		return nil
	}
	checker, err := health.New(health.Config{
		Probes: []health.Probe{{Name: "token and store", Required: true, Ask: n.tryTokenAndStore}}, Now: n.config.Now,
	})
	if err != nil {
		return err
	}
	n.monitor, err = newMonitor(n.config.Metrics.Listen, checker.Serve(health.WithReasons, n.metrics.Handler()))
	if err != nil {
		return err
	}
	n.closers.add(n.monitor.close)
	n.config.Log.Info("serving metrics", "address", n.monitor.listener.Addr().String())
	return nil
}

func (n *Node) tryTokenAndStore(ctx context.Context) error {
	return errors.Join(n.store.Writable(), n.signer.Ready(ctx))
}

func (s *Server) tryDatabase(ctx context.Context) error {
	_, _, err := s.store.Unfinished(ctx)
	return errors.Join(s.store.Writable(), err)
}

func probesOf(signers []signer.Signer) []health.Probe {
	var probes []health.Probe
	for _, one := range signers {
		if prober, ok := one.(signer.Prober); ok {
			probes = append(probes, health.Probe{Name: "signer " + one.Info().ID.String(), Ask: prober.Ready})
		}
	}
	return probes
}

func newMonitor(address string, handler http.Handler) (*monitor, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	return &monitor{listener: listener, http: &http.Server{
		Handler: handler, ReadTimeout: 5 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}}, nil
}

func (m *monitor) close() error { return ignoreClosed(m.listener.Close()) }

// serve answers until ctx ends. The service goes on without it.
func (m *monitor) serve(ctx context.Context, log *slog.Logger) {
	if m == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { m.http.Close() })
	defer stop()
	if err := m.http.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("serving metrics", "error", err)
	}
}
