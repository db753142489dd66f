//go:build cgo

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"keyferry/server/api"
)

const (
	settleEvery = time.Minute
	purgeEvery  = time.Minute
	// purgeAfter is how long user actions are kept when they have expired. Until then a late
	// request is told so rather than that there was none; and no server whose clock is
	// behind takes another answer to a challenge whose action it cannot find any longer.
	purgeAfter = time.Hour
)

// listen takes the address. Connections wait until Run answers them.
func (s *Server) listen(handler http.Handler) error {
	s.http = api.NewHTTPServer(handler, s.limits())
	s.http.ErrorLog = slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn)
	if s.config.TLS.Enabled() {
		certificate, err := loadCertificate(s.config.TLS)
		if err != nil {
			return err
		}
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	listener, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	s.listener = listener
	s.closers.add(func() error { return ignoreClosed(listener.Close()) })
	return nil
}

// Run answers requests until ctx ends. Then it takes no new ones, lets those that run
// come to their end for as long as is configured, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	background, stop := context.WithCancel(ctx)
	var behind sync.WaitGroup
	behind.Go(func() { s.purge(background) })
	behind.Go(func() { s.settle(background) })
	for _, v := range s.verifiers {
		behind.Go(func() { v.run(background) })
	}
	behind.Go(func() { s.monitor.serve(background, s.config.Log) })
	defer behind.Wait()
	defer stop()

	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
		return s.shutdown()
	}
}

func (s *Server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.listener, "", "")
	}
	return s.http.Serve(s.listener)
}

func (s *Server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Timeouts.Shutdown)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
		return fmt.Errorf("requests were still running after %v and were cut off: %w", s.config.Timeouts.Shutdown, err)
	}
	return nil
}

// purge removes user actions, and the signers' records of them, that nobody can use
// any more.
func (s *Server) purge(ctx context.Context) {
	every(ctx, purgeEvery, func() {
		now := s.config.Now()
		purgeAll(ctx, s.config.Log, "user actions", func() (int64, error) { return s.store.PurgeActions(ctx, now.Add(-purgeAfter)) })
		for _, shares := range s.signerStores {
			purgeAll(ctx, s.config.Log, "used actions", func() (int64, error) { return shares.PurgeUses(ctx, now) })
		}
	})
}

// settle closes what a crashed process left open in a journal that it shared, and has
// signers that could not be reached make up for what they missed.
func (s *Server) settle(ctx context.Context) {
	every(ctx, settleEvery, func() {
		if err := s.transfer.Reconcile(ctx, s.transfer.LongestAct()); err != nil && ctx.Err() == nil {
			s.config.Log.Warn("settling with the signers", "error", err)
		}
	})
}

// every does something again and again until ctx ends, for the first time after one
// interval.
func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}

// purgeAll goes on until nothing is left, however much came in between.
func purgeAll(ctx context.Context, log *slog.Logger, what string, some func() (int64, error)) {
	for {
		switch n, err := some(); {
		case err != nil && ctx.Err() == nil:
			log.Warn("purging "+what, "error", err)
			return
		case err != nil, n == 0:
			return
		}
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
