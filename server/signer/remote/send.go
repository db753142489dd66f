package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"keyferry/server/signer"
)

// send asks one question and reads the answer to it.
func (c *Client) send(ctx context.Context, path string, question, answer any) error {
	body, err := encode(question)
	if err != nil {
		return fmt.Errorf("encoding a question to signer %v: %w", c.info.ID, err)
	}
	var asked atomic.Int64 // over how many connections
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { asked.Add(1) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	// Every question may be repeated, says the contract. An empty list, which is not
	// sent, lets the transport do so once if a connection turns out to be dead that was
	// left from before the signer's restart.
	request.Header["Idempotency-Key"] = []string{}
	response, err := c.http.Do(request)
	if err != nil {
		return c.lost(err, asked.Load() > 0)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return c.lost(err, true)
	}
	return c.settle(c.read(response, text, answer), asked.Load() > 1)
}

// settle takes a refusal for what it is: of the question that it answers. Of one that was
// asked before, over a connection that broke, it says nothing: a signer may have released
// a share, and have been frozen before the same was asked again. So the refusal stays as
// text and decides on nothing.
func (c *Client) settle(err error, repeated bool) error {
	if repeated && signer.Refused(err) {
		return c.lost(fmt.Errorf("the connection was lost, and asked again it refused: %v", err), true)
	}
	return err
}

// lost says what an exchange without an answer means. Without a connection that the
// signer has taken nothing can have been asked.
func (c *Client) lost(err error, asked bool) error {
	err = fmt.Errorf("asking signer %v: %w", c.info.ID, err)
	if asked {
		return signer.ErrNoAnswer.Because(err)
	}
	return signer.ErrUnavailable.Because(err)
}

func (c *Client) read(response *http.Response, text []byte, answer any) error {
	if len(text) > maxAnswer {
		return signer.ErrStatement.Because(fmt.Errorf("signer %v: the answer is longer than %d bytes", c.info.ID, maxAnswer))
	}
	if response.StatusCode == http.StatusOK {
		if err := decode(text, answer); err != nil {
			return signer.ErrStatement.Because(fmt.Errorf("signer %v: reading the answer: %w", c.info.ID, err))
		}
		return nil
	}
	var refusal refusalBody
	if err := decode(text, &refusal); err != nil {
		return fmt.Errorf("signer %v answered %s: %w", c.info.ID, response.Status, errors.Join(errUntold, err))
	}
	return fmt.Errorf("signer %v: %w", c.info.ID, refusal.parse())
}
