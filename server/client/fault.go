package client

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	json "github.com/go-json-experiment/json"
)

// maxMessage bounds what is shown of a server's text.
const maxMessage = 300

// APIError is a refusal by the API.
type APIError struct {
	Status  int
	ID      string // by which the operator finds it in the log; may be empty
	Message string // what the server says, fit to be shown
}

// Error gives the status, the server's words and the error's id.
func (e *APIError) Error() string {
	text := fmt.Sprintf("the API answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.ID != "" {
		text += " (" + e.ID + ")"
	}
	return text
}

func apiError(status int, body []byte) error {
	var answer struct {
		Error struct {
			ID      string `json:"id"`
			Message string `json:"message"`
		} `json:"error"`
	}
	// Whatever stands in front of the API may answer in another form: the status says
	// enough then.
	if err := json.Unmarshal(body, &answer); err != nil {
		return &APIError{Status: status}
	}
	return &APIError{Status: status, ID: printable(answer.Error.ID), Message: printable(answer.Error.Message)}
}

// printable keeps a server from writing to its client's terminal with control
// characters.
func printable(text string) string {
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
