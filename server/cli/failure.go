package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"

	"github.com/spf13/cobra"

	"keyferry/server/audit/merkle"
	"keyferry/server/audit/receipt"
	"keyferry/server/client"
	"keyferry/shares/locked"
	"keyferry/shares/recovery"
)

// The exit statuses.
const (
	done          = 0
	notDone       = 1
	notUnderstood = 2
	partlyFit     = 3 // doctor's
	unfit         = 4 // doctor's
)

// failure is the error of a command that was understood. Any other error that comes
// out of cobra is about the command line.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// exitError is a result that programs are to know by the exit status.
type exitError struct {
	error
	status int
}

func (e exitError) Unwrap() error { return e.error }

// usageError is an error about the command line that a command found by itself.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// action marks what goes wrong while a command runs.
func action(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if _, ok := errors.AsType[usageError](err); ok || err == nil {
			return err
		}
		return failure{err}
	}
}

// report prints what went wrong and what can be done about it, and returns the exit
// status.
func report(to io.Writer, err error) int {
	if err == nil {
		return done
	}
	fmt.Fprintf(to, "keyferry: error: %v\n", err)
	if _, ok := errors.AsType[failure](err); !ok {
		fmt.Fprintln(to, "keyferry: hint: add --help to see how the command is used")
		return notUnderstood
	}
	if text := hint(err); text != "" {
		fmt.Fprintf(to, "keyferry: hint: %s\n", text)
	}
	if e, ok := errors.AsType[exitError](err); ok {
		return e.status
	}
	return notDone
}

// hint is what to do next, where the error's own text does not say it.
func hint(err error) string {
	if refused, ok := errors.AsType[*client.APIError](err); ok {
		return statusHint(refused.Status)
	}
	switch {
	case errors.Is(err, client.ErrChallenge):
		return "do not sign with other clients until you know why: the server, or something in front of it, asked for another signature than this command needs"
	case errors.Is(err, client.ErrOtherKey):
		return "do not use the new key: the server did not store what was sent"
	case errors.Is(err, recovery.ErrPinned):
		return "compare the key id and --public-key; if both are right, the server answered for another key"
	case errors.Is(err, recovery.ErrMismatch):
		return "more signers than can be done without gave bad shares: tell the operator; exporting again is safe"
	case errors.Is(err, errNoReceipt), errors.Is(err, receipt.ErrReceipt), errors.Is(err, receipt.ErrOther):
		return "ask the operator why; without --audit-key the key is recovered all the same"
	case errors.Is(err, merkle.ErrOlder), errors.Is(err, merkle.ErrEdited):
		return "keep this archive, and the checkpoints that it was compared with: they are the evidence"
	case errors.Is(err, locked.ErrMemory):
		return "raise the limit of locked memory (ulimit -l)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "is the server running, and is --url (DFNS_API_URL) its address?"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program uses this address: choose another with --listen, or port 0 for a free one"
	}
	return ""
}

func statusHint(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "the access token is unknown, expired or revoked, or the credential is not the caller's: keyferry admin token issue makes a new token"
	case http.StatusForbidden:
		return "ask the operator: a permission is missing (keyferry admin permission grant), or key export is not activated (keyferry admin organisation activate); an approval comes from another user (keyferry approve)"
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		return "the operator finds the reason in the server's log by the id in parentheses"
	}
	return ""
}
