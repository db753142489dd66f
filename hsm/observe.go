//go:build cgo

package hsm

import (
	"context"
	"errors"
	"time"
)

// operation is what is done on a token, as metrics name it.
type operation string

const (
	opLogIn    operation = "login"
	opSeal     operation = "seal"
	opOpen     operation = "open"
	opHash     operation = "ecdh"
	opSign     operation = "sign"
	opSelfTest operation = "self-test"
	opCeremony operation = "ceremony"
	opFitness  operation = "fitness"
)

// doing says it in errors, with the mechanism that may be missing.
func (op operation) doing() string {
	switch op {
	case opLogIn:
		return "opening the token"
	case opSeal:
		return "sealing a share with AES-GCM"
	case opOpen:
		return "opening a share with AES-GCM"
	case opHash:
		return "hashing a shared secret with ECDH1 and SHA-256"
	case opSign:
		return "signing with ECDSA"
	case opCeremony:
		return "key ceremony"
	case opFitness:
		return "finding out what the token can do"
	}
	return string(op)
}

// Outcome says how an operation ended, in few enough words for a metric's label.
type Outcome string

// The outcomes of operations.
const (
	OutcomeOK          Outcome = "ok"
	OutcomeBlob        Outcome = "bad-blob"     // ErrBlob, ErrPeer: the input is to blame
	OutcomeBusy        Outcome = "busy"         // ErrBusy
	OutcomeGone        Outcome = "gone"         // ErrTokenGone
	OutcomeHung        Outcome = "hung"         // ErrHung
	OutcomeNotAsked    Outcome = "not-asked"    // ErrNotAsked
	OutcomeWrongPIN    Outcome = "wrong-pin"    // ErrWrongPIN
	OutcomeKeysChanged Outcome = "keys-changed" // ErrKeysChanged
	OutcomeLeft        Outcome = "left"         // the context ended
	OutcomeRefused     Outcome = "refused"      // anything else
)

// outcomeOf names the most telling of an error's kinds.
func outcomeOf(err error) Outcome {
	if err == nil {
		return OutcomeOK
	}
	for _, named := range []struct {
		err     error
		outcome Outcome
	}{
		{ErrNotAsked, OutcomeNotAsked}, {ErrHung, OutcomeHung}, {ErrWrongPIN, OutcomeWrongPIN},
		{ErrKeysChanged, OutcomeKeysChanged}, {ErrBlob, OutcomeBlob}, {ErrPeer, OutcomeBlob},
		{ErrBusy, OutcomeBusy}, {ErrTokenGone, OutcomeGone},
		{context.Canceled, OutcomeLeft}, {context.DeadlineExceeded, OutcomeLeft}, {errLeft, OutcomeLeft},
	} {
		if errors.Is(err, named.err) {
			return named.outcome
		}
	}
	return OutcomeRefused
}

// Observer is told what happens on tokens, for metrics. Its methods are called from many
// goroutines, some with locks held: they must return at once and not use the token.
type Observer interface {
	// Operation: one ended after took, as its caller saw it. op is one of login, seal,
	// open, ecdh, sign, self-test, ceremony and fitness.
	Operation(token, op string, outcome Outcome, took time.Duration)

	// Reconnected: a new login took the place of one that had died.
	Reconnected(token string)

	// BreakerChanged: operations are refused from now on, tried, or let through.
	BreakerChanged(token string, state BreakerState)
}

// unobserved is the Observer of tokens that have none.
type unobserved struct{}

func (unobserved) Operation(string, string, Outcome, time.Duration) {}
func (unobserved) Reconnected(string)                               {}
func (unobserved) BreakerChanged(string, BreakerState)              {}

// Status is a token's condition at one moment.
type Status struct {
	Breaker    BreakerState
	Cause      error // why the breaker is not closed; nil if it is
	Running    int   // operations that have their turn now, each with a session of its own
	Hung       int   // calls that were given up and have not returned
	Idle       int   // sessions in the pool
	Reconnects int   // new logins that took the place of dead ones
}

// Status asks nothing of the token and so never blocks.
func (t *Token) Status() Status {
	state, hung, cause := t.breaker.state()
	t.mu.Lock()
	defer t.mu.Unlock()
	return Status{
		Breaker: state, Cause: cause, Hung: hung,
		Running: len(t.seats), Idle: len(t.idle), Reconnects: int(t.logins.Load()),
	}
}
