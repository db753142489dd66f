package guard

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// maxMessage bounds what is repeated of an upstream's words.
const maxMessage = 500

var (
	// errUncheckable refuses challenges other than those of user actions.
	errUncheckable = errors.New("what this path wants signed cannot be checked: only user actions can")
	// errAnswer introduces what is wrong with an answer.
	errAnswer = errors.New("refusing the API's answer")
	// errUnreachable says that there is no answer.
	errUnreachable = errors.New("no answer from the API")
)

// refusal is why the client gets an error in place of an answer.
type refusal struct {
	status int
	cause  error
}

func (r *refusal) Error() string { return r.cause.Error() }

func (r *refusal) Unwrap() error { return r.cause }

// badRequest refuses what the client sent.
func badRequest(cause error) error { return &refusal{http.StatusBadRequest, cause} }

// untrusted refuses what the upstream answered.
func untrusted(cause error) error {
	return &refusal{http.StatusBadGateway, fmt.Errorf("%w: %w", errAnswer, cause)}
}

// unreachable says why there is no answer.
func unreachable(cause error) error {
	status := http.StatusBadGateway
	if errors.Is(cause, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	return &refusal{status, fmt.Errorf("%w: %w", errUnreachable, cause)}
}

// refuse logs an error and answers with it.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if refused, ok := errors.AsType[*refusal](err); ok {
		status = refused.status
	}
	level := slog.LevelWarn
	if errors.Is(err, errAnswer) {
		level = slog.LevelError // somebody lies
	}
	id := newErrorID()
	g.config.Log.Log(r.Context(), level, "refused", slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", status), slog.String("error_id", id), slog.String("error", err.Error()))
	renderFault(w, status, id, "keyferry guard: "+shorten(err.Error()))
}

// faultBody is the shape of the API's own refusals. The message stands twice because
// some clients look for it in one place and some in the other.
type faultBody struct {
	Error   faultDetail `json:"error"`
	Message string      `json:"message"`
}

type faultDetail struct {
	ID      string `json:"id"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

func renderFault(w http.ResponseWriter, status int, id, message string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// Should this fail, the client is gone.
	_ = json.NewEncoder(w).Encode(faultBody{Message: message, Error: faultDetail{ID: id, Status: status, Message: message}})
}

// newErrorID returns an id of the API's form, by which an error is found in the log.
func newErrorID() string {
	digits := strings.ToLower(rand.Text()) // 26 of base32
	return "er-" + digits[:5] + "-" + digits[5:10] + "-" + digits[10:]
}

func shorten(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}
