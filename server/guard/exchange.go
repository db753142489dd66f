package guard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"keyferry/server/challenge"
)

const (
	maxRequest = 1 << 20 // above what the API takes, unless its limit was raised
	maxSigned  = 2 << 20 // the same of an answer to a challenge, which brings a payload back with 16/9 of its length
	maxAnswer  = 4 << 20 // above the longest page of keys and the largest export
)

// answer is the upstream's answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// readRequest returns the request's body, as it will be sent.
func readRequest(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := int64(maxRequest)
	if path, err := challenge.NormalPath(r.URL.EscapedPath()); err == nil && path == completePath {
		limit = maxSigned
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("the request body is longer than %d bytes", limit)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &refusal{http.StatusRequestTimeout, errors.New("the request body did not arrive in time")}
	}
	if err != nil {
		return nil, badRequest(errors.New("the request body is incomplete"))
	}
	return body, nil
}

// exchange sends the request on, the body as given and all else as it came, and reads
// the answer.
func (g *Guard) exchange(r *http.Request, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(r.Context(), g.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.Method, g.upstream.String(), bytes.NewReader(body))
	if err != nil {
		return nil, badRequest(err)
	}
	request.URL.Path, request.URL.RawPath = r.URL.Path, r.URL.RawPath
	request.URL.RawQuery, request.URL.ForceQuery = r.URL.RawQuery, r.URL.ForceQuery
	request.Header = requestHeader(r.Header)
	response, err := g.http.RoundTrip(request)
	if err != nil {
		return nil, unreachable(err)
	}
	defer response.Body.Close()
	return readAnswer(response)
}

// readAnswer takes no answer that it could not read whole and plainly, and none that
// sends the client elsewhere.
func readAnswer(response *http.Response) (*answer, error) {
	if response.StatusCode < 200 || response.StatusCode >= 300 && response.StatusCode < 400 {
		return nil, untrusted(fmt.Errorf("its status is %d, and redirects and upgrades would lead around the guard", response.StatusCode))
	}
	for _, encoding := range response.Header.Values("Content-Encoding") {
		if !strings.EqualFold(encoding, "identity") {
			return nil, untrusted(fmt.Errorf("it is encoded as %.32q, which nobody asked for", encoding))
		}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, unreachable(err)
	}
	if len(body) > maxAnswer {
		return nil, untrusted(fmt.Errorf("it is longer than %d bytes", maxAnswer))
	}
	return &answer{status: response.StatusCode, header: answerHeader(response.Header), body: body}, nil
}

// write gives the answer to the client. Should that fail, the client is gone.
func (a *answer) write(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range a.header {
		header[name] = values
	}
	if _, said := header["Content-Type"]; !said {
		header["Content-Type"] = nil // or net/http would guess one
	}
	if len(a.body) > 0 {
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}
