package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/shares/manifest"
)

// Config says where a signer is, and who it is.
type Config struct {
	URL      string // https://host:port
	Member   manifest.Member
	Identity Identity // whose pins are the signer's
}

const (
	idleTime       = 90 * time.Second // less than the signer's
	maxConnections = 16               // to one signer at a time
	maxAnswer      = 1 << 20
)

// Client is a signer elsewhere. It is safe for concurrent use. How long an answer may
// take is its caller's affair, by way of the context.
//
// An error says what is known: a refusal that the signer gave; signer.ErrUnavailable if
// no connection came about, or either side did not take it, so that nothing was asked;
// signer.ErrNoAnswer if it was asked and the answer did not come; signer.ErrStatement if
// the answer made no sense.
type Client struct {
	base *url.URL
	info signer.Info
	http *http.Client
}

var (
	_ signer.Signer = (*Client)(nil)
	_ signer.Prober = (*Client)(nil)
)

// NewClient checks the configuration. It does not connect: a signer that is down when
// the server starts is one that is missing from a quorum.
func NewClient(c Config) (*Client, error) {
	if err := c.Identity.check(); err != nil {
		return nil, err
	}
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "https" || base.Host == "" || base.Path != "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("the signer's URL %q is not of the form https://host:port", c.URL)
	}
	if len(c.Member.Identities) == 0 {
		return nil, errors.New("remote: no signer is named")
	}
	transport := &http.Transport{
		DialTLSContext:      c.Identity.dial,
		MaxConnsPerHost:     maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     idleTime,
		DisableCompression:  true,
	}
	return &Client{base: base, info: signer.Info{Member: c.Member}, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Info implements [signer.Signer]: it is what the manifest says.
func (c *Client) Info() signer.Info { return c.info }

// Export implements [signer.Signer]. Who asks verifies the statement.
func (c *Client) Export(ctx context.Context, r signer.Request) (signer.SealedShare, error) {
	path, question := exportPath, any(writeAction(r.Action))
	if len(r.Approvals) > 0 {
		path, question = approvedPath, writeApproved(r)
	}
	var answer shareBody
	if err := c.send(ctx, path, question, &answer); err != nil {
		return signer.SealedShare{}, err
	}
	share, err := answer.parse()
	return share, unreadable(err)
}

// Prepare implements [signer.Signer]. Who asks verifies the receipt.
func (c *Client) Prepare(ctx context.Context, r signer.Request) (signer.Prepared, error) {
	var answer preparedBody
	if err := c.send(ctx, preparePath, writeAction(r.Action), &answer); err != nil {
		return signer.Prepared{}, err
	}
	prepared, err := answer.parse()
	return prepared, unreadable(err)
}

// Commit implements [signer.Signer].
func (c *Client) Commit(ctx context.Context, commit signer.Commit) error {
	return c.send(ctx, commitPath, writeCommit(commit), &doneBody{})
}

// Discard implements [signer.Signer].
func (c *Client) Discard(ctx context.Context, key keyring.KeyID) error {
	return c.send(ctx, discardPath, discardBody{KeyID: key}, &doneBody{})
}

// Ready implements [signer.Prober].
func (c *Client) Ready(ctx context.Context) error {
	return c.send(ctx, readyPath, readyBody{}, &doneBody{})
}

func unreadable(err error) error {
	if err != nil {
		return signer.ErrStatement.Because(err)
	}
	return nil
}
