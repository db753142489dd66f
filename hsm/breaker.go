//go:build cgo

package hsm

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// The breaker's numbers. A token that fails three operations in a row, each of them
// after it was logged in to again, will fail the next one too.
const (
	failuresToOpen = 3
	shortestPause  = 250 * time.Millisecond
	longestPause   = 30 * time.Second
)

// BreakerState says whether a token is being asked at all.
type BreakerState string

// The states of a breaker.
const (
	BreakerClosed  BreakerState = "closed"  // operations go to the token
	BreakerOpen    BreakerState = "open"    // operations are refused at once
	BreakerProbing BreakerState = "probing" // one operation tries the token, others are refused
)

// breaker turns a token that is known not to work into refusals at once. After a pause
// that grows with each failure it lets one operation through, the probe, which has to
// log in again and open what it sealed before it does its own work.
type breaker struct {
	now      func() time.Time
	changed  func(BreakerState) // called with mu held
	mostHung int                // calls that may hang in the library before no more are sent

	mu       sync.Mutex
	failures int // in a row
	hung     int
	cause    error // why it is open; nil while it is closed
	final    bool  // the PIN was refused: nothing is tried again
	probing  bool
	pause    time.Duration
	until    time.Time
}

// limit sets how many calls may hang in the library, at least 1.
func (b *breaker) limit(mostHung int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mostHung = mostHung
}

// refuses is nil if an operation would be admitted now.
func (b *breaker) refuses() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusal()
}

// admit decides about one operation. Every operation that is admitted ends with one
// call of settle, or with one of hang and, when the library lets it go, one of returned.
func (b *breaker) admit() (probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refusal(); err != nil || b.cause == nil {
		return false, err
	}
	b.probing = true
	b.changed(BreakerProbing)
	return true, nil
}

func (b *breaker) refusal() error {
	switch {
	case b.hung >= b.mostHung:
		return fmt.Errorf("%d calls hang in the library: %w: %w", b.hung, ErrNotAsked, ErrHung)
	case b.cause != nil && (b.final || b.probing || b.now().Before(b.until)):
		return fmt.Errorf("%w: %w", ErrNotAsked, b.cause)
	}
	return nil
}

// settle takes the outcome of an operation. Only what speaks against the token counts;
// a probe that never reached it tells nothing.
func (b *breaker) settle(probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	var dead *notMendedError
	switch {
	case errors.As(err, &dead):
		b.final = b.final || errors.Is(err, ErrWrongPIN)
		b.open(err)
	case neverAsked(err):
		if probe {
			b.changed(BreakerOpen)
		}
	case errors.Is(err, ErrTokenGone):
		b.fail(probe, err)
	case probe || b.cause == nil:
		b.close()
	}
}

// hang takes an operation whose time was up while it was in the library.
func (b *breaker) hang(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hung++
	if probe {
		b.probing = false
	}
	b.fail(probe, ErrHung)
	if b.hung == b.mostHung {
		b.open(ErrHung)
	}
}

// returned takes a call that hung and came back after all. What it came back with counts
// no more, unless it is that the PIN was refused.
func (b *breaker) returned(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hung--
	if errors.Is(err, ErrWrongPIN) {
		b.final = true
		b.open(err)
	}
}

func (b *breaker) fail(probe bool, cause error) {
	b.failures++
	if probe || b.failures >= failuresToOpen {
		b.open(cause)
	}
}

// open doubles the pause each time that the token has not recovered. Several operations
// that fail together count as one.
func (b *breaker) open(cause error) {
	if b.cause == nil || !b.now().Before(b.until) {
		b.pause = min(max(2*b.pause, shortestPause), longestPause)
		b.until = b.now().Add(b.pause)
	}
	b.cause = cause
	b.changed(BreakerOpen)
}

func (b *breaker) close() {
	b.failures, b.pause = 0, 0
	if b.cause != nil {
		b.cause = nil
		b.changed(BreakerClosed)
	}
}

// state also gives how many calls hang, and why the breaker is not closed.
func (b *breaker) state() (state BreakerState, hung int, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.hung >= b.mostHung:
		return BreakerOpen, b.hung, ErrHung
	case b.cause == nil:
		return BreakerClosed, b.hung, nil
	case b.probing:
		return BreakerProbing, b.hung, b.cause
	}
	return BreakerOpen, b.hung, b.cause
}

// notMendedError marks the failure of a login that was to take a dead one's place.
type notMendedError struct{ error }

func (e *notMendedError) Unwrap() error { return e.error }

// neverAsked reports whether the operation ended before the token was asked.
func neverAsked(err error) bool {
	return errors.Is(err, ErrBusy) || errors.Is(err, ErrClosed) || errors.Is(err, errLeft)
}
