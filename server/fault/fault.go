// Package fault is the errors that a user of the API must know about.
//
// An [Error] has two faces. Its Message is for the caller and says nothing that
// helps an attacker. Its Reason, a short fixed code, and the error it wraps are for
// the audit record and the operator's log. What is not a fault is the service's own
// trouble: the API answers it with a generic 500.
//
// The package knows nothing of HTTP; one table in server/api maps kinds to statuses.
package fault

import "errors"

// Kind says what the caller can do about an error.
type Kind uint8

// The kinds of faults. Internal is what every other error counts as.
const (
	Internal        Kind = iota // nothing; the operator must look
	Invalid                     // send a correct request
	Unauthenticated             // present a valid token
	Forbidden                   // ask for a permission, an activation or a new signature
	NotFound                    // look for something that exists
	Conflict                    // resolve a conflict with what exists
	Unavailable                 // try again later
)

// Error is a refusal with a text for the caller and a reason for the record.
type Error struct {
	Kind    Kind
	Message string // shown to the caller
	Reason  Reason // recorded, never shown
	Cause   error  // logged, never shown; may be nil
}

// Reason is a stable code of the audit record, such as "action.replayed".
type Reason string

// ReasonInternal is recorded for errors that are no faults.
const ReasonInternal Reason = "internal"

// New returns a fault without a cause.
func New(kind Kind, reason Reason, message string) *Error {
	return &Error{Kind: kind, Reason: reason, Message: message}
}

// Because returns a copy of e with the cause attached, so that a package can keep
// its faults as values and still say what happened.
func (e *Error) Because(cause error) *Error {
	withCause := *e
	withCause.Cause = cause
	return &withCause
}

// Error returns the operator's text.
func (e *Error) Error() string {
	text := e.Message + " (" + string(e.Reason) + ")"
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes two faults of one reason equal for [errors.Is], whatever their causes.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Reason == e.Reason
}

// KindOf returns the kind of the first fault in err's chain, else Internal.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Kind
	}
	return Internal
}

// ReasonOf returns the reason of the first fault in err's chain, else
// ReasonInternal.
func ReasonOf(err error) Reason {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Reason
	}
	return ReasonInternal
}
