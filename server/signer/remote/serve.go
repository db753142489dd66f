package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// The limits of a connection.
const (
	headerTime = 5 * time.Second
	bodyTime   = 15 * time.Second
	answerTime = time.Minute // far above what a server waits
	keptTime   = 2 * time.Minute
	maxHeader  = 8 << 10
)

// Server takes connections for a [Handler], from pinned clients only.
type Server struct {
	http     *http.Server
	listener net.Listener
}

// Listen takes the address, for up to connections clients at a time; others wait.
// Nothing is answered before Serve.
func Listen(address string, identity Identity, handler *Handler, connections int, log *slog.Logger) (*Server, error) {
	if err := identity.check(); err != nil {
		return nil, err
	}
	if connections <= 0 || handler == nil || log == nil {
		return nil, errors.New("remote: a server needs a handler, a log and room for connections")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return &Server{
		listener: netutil.LimitListener(listener, connections),
		http: &http.Server{
			Handler: handler, TLSConfig: identity.serverTLS(),
			ReadHeaderTimeout: headerTime, ReadTimeout: headerTime + bodyTime,
			WriteTimeout: bodyTime + answerTime, IdleTimeout: keptTime, MaxHeaderBytes: maxHeader,
			DisableGeneralOptionsHandler: true,
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
			TLSNextProto:                 map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1 only
		},
	}, nil
}

// Addr returns where the server listens, with the port that it was given.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers until ctx ends. Then it takes no new questions, lets those in work come
// to their end within the time, and returns nil.
func (s *Server) Serve(ctx context.Context, shutdown time.Duration) error {
	served := make(chan error, 1)
	go func() { served <- s.http.ServeTLS(s.listener, "", "") }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := s.http.Shutdown(ending); err != nil {
		return errors.Join(fmt.Errorf("questions were still in work after %v and were cut off: %w", shutdown, err), s.http.Close())
	}
	return nil
}

// Close gives the address back, if Serve was never called.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
