// Package client speaks to the API as the owner of keys does.
//
//	New                    a connection: where, who, and what is expected there
//	Client.Signers, Keys   what there is
//	Client.Import          private key → shares at the signers
//	Client.Export          key → shares sealed to a recovery.Context
//	Client.Approve         consent to another user's export
//	ParseCredential        the private key that consents to requests
//
// Imports, exports and approvals are signed. The server chooses what is to be signed, so the
// client believes it nothing: it computes the challenge itself from what the server
// says the challenge is for, checks that this is the very request that it is about to
// make, and signs nothing else (check.go). A server that was taken over cannot make
// this client consent to another request than the one its caller wanted.
//
// Who pins the cluster's manifest believes the server nothing about signers either: shares
// are sealed to the pinned ones only, and an export counts only with statements of theirs
// (pin.go).
//
// No private key that is imported or exported passes through this package in the
// clear, but for Import, which deals it out in locked memory.
package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"keyferry/shares/manifest"
)

// DefaultTimeout bounds one exchange with the server.
const DefaultTimeout = 60 * time.Second

// Config says where the API is, who calls, and what the caller knows about it.
type Config struct {
	URL        string         // https; plain http to loopback only
	Token      string         // the bearer token
	Credential *Credential    // signs user actions; nil: what needs one is refused
	Expect     Expectation    // what signed requests must say; empty members are not checked
	RootCAs    *x509.CertPool // nil: the system's
	Timeout    time.Duration  // DefaultTimeout if zero
	Now        func() time.Time

	// Manifest, if given, is the cluster that the caller knows, by other ways than the
	// server's. It needs Expect.Organisation; Expect.Deployment follows from it.
	Manifest *manifest.Manifest
}

// Client is a connection to the API. It is safe for concurrent use.
type Client struct {
	config Config
	base   *url.URL
	http   *http.Client
	linked atomic.Pointer[manifest.Manifest] // nil until the signers were listed
}

// New checks the configuration. It does not connect yet.
func New(c Config) (*Client, error) {
	base, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Token == "" {
		return nil, errors.New("no access token is given")
	}
	if err := c.checkPin(); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	return &Client{config: c, base: base, http: &http.Client{
		Transport: transport,
		Timeout:   c.Timeout,
		// A redirect would carry the token to where the answer points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func parseURL(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the API's URL %q is not of the form https://host:port", text)
	}
	if base.Path != "" && base.Path != "/" {
		return nil, fmt.Errorf("the API's URL %q has a path: the API is served from the root", text)
	}
	if base.Scheme != "https" && !(base.Scheme == "http" && isLoopback(base.Hostname())) {
		return nil, fmt.Errorf("the API's URL %q is not https, which is needed beyond loopback", text)
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
