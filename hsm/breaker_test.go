//go:build cgo

package hsm

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/miekg/pkcs11"
)

// clocked is a breaker whose time stands still, and what it told its observer.
type clocked struct {
	*breaker
	time time.Time
	told []BreakerState
}

func newClocked() *clocked {
	c := &clocked{time: time.Unix(1, 0)}
	c.breaker = &breaker{
		mostHung: 2, now: func() time.Time { return c.time },
		changed: func(state BreakerState) { c.told = append(c.told, state) },
	}
	return c
}

func (c *clocked) mustAdmit(t *testing.T, probe bool) {
	t.Helper()
	if got, err := c.admit(); err != nil || got != probe {
		t.Fatalf("admitted as probe: %v, %v", got, err)
	}
}

func (c *clocked) mustRefuse(t *testing.T, cause error) {
	t.Helper()
	if _, err := c.admit(); !errors.Is(err, ErrNotAsked) || !errors.Is(err, cause) {
		t.Fatalf("not refused because of %v: %v", cause, err)
	}
}

func gone() error { return explain("testing", pkcs11.Error(pkcs11.CKR_DEVICE_ERROR)) }
func dead() error { return fmt.Errorf("testing: %w", &notMendedError{gone()}) }

func TestBreakerOpensAtOnceWhenLoggingInDidNotHelp(t *testing.T) {
	c := newClocked()
	c.mustAdmit(t, false)
	c.settle(false, dead())
	c.mustRefuse(t, ErrTokenGone)
}

func TestBreakerOpensAfterThreeFailuresInARow(t *testing.T) {
	c := newClocked()
	for _, err := range []error{gone(), gone(), nil, gone(), gone()} {
		c.mustAdmit(t, false)
		c.settle(false, err)
	}
	c.mustAdmit(t, false)
	c.settle(false, gone())
	c.mustRefuse(t, ErrTokenGone)
}

func TestBreakerIgnoresWhatIsNotTheTokensFault(t *testing.T) {
	c := newClocked()
	for _, err := range []error{ErrBlob, ErrPeer, ErrBusy, ErrRefused, ErrNotInitialised, ErrMechanismMissing, errLeft} {
		for range 5 {
			c.mustAdmit(t, false)
			c.settle(false, err)
		}
	}
	c.mustAdmit(t, false)
}

func TestBreakerLetsOneProbeThroughAndPausesLongerEachTime(t *testing.T) {
	c := newClocked()
	c.settle(false, dead())
	for _, pause := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		c.time = c.time.Add(pause - 1)
		c.mustRefuse(t, ErrTokenGone)
		c.time = c.time.Add(1)
		c.mustAdmit(t, true)
		c.mustRefuse(t, ErrTokenGone) // the second caller
		c.settle(true, dead())
	}
	for range 20 {
		c.time = c.time.Add(longestPause)
		c.mustAdmit(t, true)
		c.settle(true, gone())
	}
	c.time = c.time.Add(longestPause)
	c.mustAdmit(t, true)
	c.settle(true, nil)
	c.mustAdmit(t, false)
	if state, _, cause := c.state(); state != BreakerClosed || cause != nil {
		t.Errorf("%s, %v", state, cause)
	}
	if want := []BreakerState{BreakerOpen, BreakerProbing, BreakerOpen}; !slices.Equal(c.told[:3], want) || c.told[len(c.told)-1] != BreakerClosed {
		t.Errorf("told %v", c.told)
	}
}

func TestProbeThatNeverReachedTheTokenLeavesTheBreakerOpen(t *testing.T) {
	c := newClocked()
	c.settle(false, dead())
	c.time = c.time.Add(shortestPause)
	c.mustAdmit(t, true)
	c.settle(true, errLeft)
	c.mustAdmit(t, true)
	c.settle(true, ErrBusy)
	c.mustAdmit(t, true)
}

func TestRefusedPINIsFinal(t *testing.T) {
	c := newClocked()
	c.settle(false, &notMendedError{ErrWrongPIN})
	c.time = c.time.Add(24 * time.Hour)
	c.mustRefuse(t, ErrWrongPIN)
}

func TestBreakerSendsNoMoreCallsWhenTooManyHang(t *testing.T) {
	c := newClocked()
	c.hang(false)
	c.mustAdmit(t, false)
	c.hang(false)
	c.time = c.time.Add(time.Hour)
	c.mustRefuse(t, ErrHung) // no probe either, which could hang as well
	c.returned(nil)
	c.mustAdmit(t, true)
	c.settle(true, nil)
	c.mustAdmit(t, false)
}
