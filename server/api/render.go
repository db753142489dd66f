package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// dateFormat is ISO 8601 with exactly three digits of milliseconds, in UTC.
const dateFormat = "2006-01-02T15:04:05.000Z"

func date(t time.Time) string { return t.UTC().Format(dateFormat) }

// render writes the answer. It is encoded first, so that what cannot be encoded can
// still become an error.
func render(c *call, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	c.Response().Header().Set("Content-Length", strconv.Itoa(len(text)))
	if err := c.JSONBlob(status, text); err != nil {
		return fmt.Errorf("sending the answer: %w", err)
	}
	return nil
}

// faultBody is the shape of every refusal. The message stands twice because some
// clients look for it in one place and some in the other.
type faultBody struct {
	Error   faultDetail `json:"error"`
	Message string      `json:"message"`
}

type faultDetail struct {
	ID      string `json:"id"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// renderFault answers with an error. Should that fail as well, the client is gone.
func renderFault(c *call, err error) {
	status, message := describe(err)
	if status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 §15.5.2
	}
	_ = render(c, status, faultBody{Message: message, Error: faultDetail{ID: c.id, Status: status, Message: message}})
}
