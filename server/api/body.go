package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"keyferry/server/fault"
	"keyferry/server/strictjson"
)

var (
	errTooLarge   = newHTTPFault(http.StatusRequestEntityTooLarge, "body.too-large", "the request body is too large")
	errTooSlow    = newHTTPFault(http.StatusRequestTimeout, "body.too-slow", "the request body did not arrive in time")
	errEncoding   = newHTTPFault(http.StatusUnsupportedMediaType, "body.encoding", "Content-Encoding is not supported")
	errMediaType  = newHTTPFault(http.StatusUnsupportedMediaType, "body.media-type", "Content-Type must be application/json")
	errIncomplete = fault.New(fault.Invalid, "body.incomplete", "the request body is incomplete")
)

// payload reads the body's bytes, which are what a user action is compared with. It
// comes after the token, so that only a known caller can make the service read.
func (a *API) payload(c *call) ([]byte, error) { return a.payloadWithin(c, a.Limits.BodyBytes) }

// payloadWithin is payload with another limit, in bytes.
func (a *API) payloadWithin(c *call, limit int64) ([]byte, error) {
	r, w := c.Request(), c.Response().Writer
	if err := checkContent(r.Header); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	// The deadline is the connection's, by the system's clock.
	connection := http.NewResponseController(w)
	if err := connection.SetReadDeadline(time.Now().Add(a.Limits.Body)); err != nil {
		return nil, fmt.Errorf("limiting the time for a body: %w", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, unread(err)
	}
	// Left in place, the deadline would end the request's context while it is served.
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("lifting the limit for a body: %w", err)
	}
	return body, nil
}

// checkContent takes JSON in UTF-8, not compressed, said once.
func checkContent(header http.Header) error {
	for _, encoding := range header.Values("Content-Encoding") {
		if !strings.EqualFold(encoding, "identity") {
			return errEncoding
		}
	}
	types := header.Values("Content-Type")
	if len(types) != 1 {
		return errMediaType
	}
	media, parameters, err := mime.ParseMediaType(types[0])
	charset, named := parameters["charset"]
	if err != nil || media != "application/json" || named && !strings.EqualFold(charset, "utf-8") {
		return errMediaType
	}
	return nil
}

// unread says why a body could not be read.
func unread(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTooSlow
	}
	return errIncomplete.Because(err)
}

// decode reads a body of this package's own. The bodies that signers read as well
// have their parsers in server/signer.
func decode(payload []byte, into any) error {
	err := strictjson.Decode(payload, into)
	if text, ok := errors.AsType[*strictjson.Error](err); ok {
		return malformed(text.Error())
	}
	return err
}
