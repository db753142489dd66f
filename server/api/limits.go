package api

import (
	"errors"
	"net/http"
	"time"
)

// Limits bounds what one request can cost. All of them are positive.
type Limits struct {
	HeaderBytes int           // of request line and headers together
	BodyBytes   int64         // of a body
	Header      time.Duration // to receive the headers
	Body        time.Duration // to receive the body
	Answer      time.Duration // from there until the answer is with the client
	Idle        time.Duration // between two requests on a connection
}

// DefaultLimits returns limits that leave room above the largest honest request: an
// import to some dozens of signers.
func DefaultLimits() Limits {
	return Limits{
		HeaderBytes: 16 << 10, BodyBytes: 256 << 10,
		Header: 5 * time.Second, Body: 10 * time.Second, Answer: time.Minute, Idle: 2 * time.Minute,
	}
}

func (l Limits) check() error {
	if l.HeaderBytes <= 0 || l.BodyBytes <= 0 || l.Header <= 0 || l.Body <= 0 || l.Answer <= 0 || l.Idle <= 0 {
		return errors.New("api: all limits must be positive")
	}
	return nil
}

// NewHTTPServer returns a server for the handler within these limits. The caller
// sets its address, TLS and error log.
//
// Some refusals are net/http's own, made before there is a request to handle, and
// are plain text: a malformed request line or header (400), headers that are too
// large (431), an unknown expectation (417) or transfer encoding (501), an HTTP
// version other than 1 and 2 (505), and plain HTTP on a TLS port (400).
func NewHTTPServer(handler http.Handler, l Limits) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: l.Header,
		ReadTimeout:       l.Header + l.Body,
		WriteTimeout:      l.Body + l.Answer, // counted from the end of the headers
		IdleTimeout:       l.Idle,
		MaxHeaderBytes:    l.HeaderBytes,
		// "OPTIONS *" is an unknown path like others.
		DisableGeneralOptionsHandler: true,
	}
}
