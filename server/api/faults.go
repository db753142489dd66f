package api

import (
	"errors"
	"net/http"

	"keyferry/server/fault"
)

// internalText is all that a caller learns of the service's own trouble.
const internalText = "Internal Server Error"

// statusOf is the table from kinds of faults to statuses.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// httpFault is a fault of the request as HTTP, for which HTTP has its own status.
type httpFault struct {
	status int
	fault  *fault.Error
}

func newHTTPFault(status int, reason fault.Reason, message string) *httpFault {
	return &httpFault{status: status, fault: fault.New(fault.Invalid, reason, message)}
}

func (f *httpFault) Error() string { return f.fault.Error() }

func (f *httpFault) Unwrap() error { return f.fault }

var (
	errPath   = newHTTPFault(http.StatusNotFound, "path.unknown", "there is no such path")
	errMethod = newHTTPFault(http.StatusMethodNotAllowed, "method.not-allowed", "the path does not have this method")
)

// malformed refuses a request that has no meaning.
func malformed(message string) error {
	return fault.New(fault.Invalid, "request.malformed", message)
}

// describe returns what the caller is told of an error.
func describe(err error) (status int, message string) {
	if own, ok := errors.AsType[*httpFault](err); ok {
		return own.status, own.fault.Message
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal {
		return statusOf(f.Kind), f.Message
	}
	return http.StatusInternalServerError, internalText
}
