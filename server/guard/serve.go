package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The limits of a client's connection.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 15 * time.Second // to receive a request whole
	writeTimeout    = 10 * time.Second // to give the answer to the client
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 30 * time.Second
	maxHeader       = 16 << 10
)

// Listen takes the address for a guard. Without a certificate it must be a loopback
// address: requests carry the client's access token.
func Listen(address string, certificate *tls.Certificate) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if certificate == nil && !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("listening on %s: without TLS the guard listens on loopback addresses only", address)
	}
	listener, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if certificate == nil {
		return listener, nil
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}), nil
}

// Serve answers requests until ctx ends. Then it takes no new ones, lets those that run
// come to their end for a while, and returns nil. It closes the listener.
func (g *Guard) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           g,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       headerTimeout + requestTimeout,
		WriteTimeout:      requestTimeout + g.config.Timeout + writeTimeout, // from the end of the headers
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// "OPTIONS *" has no path of the API's form and is refused like others.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(g.config.Log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
		return shutdown(server)
	}
}

func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %v and were cut off: %w", shutdownTimeout, err), server.Close())
	}
	return nil
}
