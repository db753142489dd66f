package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"

	json "github.com/go-json-experiment/json"
)

// maxAnswer is far above the longest page of keys and the largest export. A challenge also
// brings its request's payload back, with 16/9 of its length.
const maxAnswer = 4 << 20

// exchange is one request and the answer to it.
type exchange struct {
	method string
	path   string // escaped, with query
	body   []byte // nil: none
	action string // the user action token of a signed request
	// approval leaves a signed export as the approval of another user's.
	approval bool
}

// do returns the answer's body, or an *[APIError] for any other status than 200.
func (c *Client) do(ctx context.Context, e exchange) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, e.method, c.base.String()+e.path, bytes.NewReader(e.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.config.Token)
	request.Header.Set("Accept", "application/json")
	if e.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if e.action != "" {
		request.Header.Set("X-Dfns-Useraction", e.action)
	}
	if e.approval {
		request.Header.Set("X-Keyferry-Approval", "true")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return readAnswer(response, maxAnswer+2*len(e.body))
}

func readAnswer(response *http.Response, limit int) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > limit {
		return nil, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	if response.StatusCode != http.StatusOK {
		return nil, apiError(response.StatusCode, body)
	}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "application/json" {
		return nil, fmt.Errorf("the answer is %q and not JSON: is this the API's address?", kind)
	}
	return body, nil
}

// call exchanges JSON values. Answers with repeated members or invalid UTF-8 are
// refused, members that are not asked for are passed over.
func (c *Client) call(ctx context.Context, e exchange, answer any) error {
	body, err := c.do(ctx, e)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("reading the answer to %s %s: %w", e.method, e.path, err)
	}
	return nil
}
