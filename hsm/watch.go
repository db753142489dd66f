package hsm

import "time"

// watch goes off when a call takes too long. It serves one call after the other, since to
// set a timer again costs less than to make another, and gets a new timer when one has gone
// off: what that went off for is then certain. The zero value is ready; one goroutine at a
// time may use it.
type watch struct{ set *alarm }

// alarm is a timer with the call that it is set for.
type alarm struct {
	timer *time.Timer
	call  overdue
}

// overdue is a call that is under way when its time is up, or ends at this moment.
type overdue interface{ overdue() }

// begin starts a call's time.
func (w *watch) begin(c overdue, limit time.Duration) {
	if w.set != nil {
		w.set.call = c
		w.set.timer.Reset(limit)
		return
	}
	a := &alarm{call: c}
	a.timer = time.AfterFunc(limit, func() { a.call.overdue() })
	w.set = a
}

// finish ends it, and reports whether it was in time.
func (w *watch) finish() bool {
	if !w.set.timer.Stop() {
		w.set = nil
		return false
	}
	w.set.call = nil // or it would keep the call's result from being collected
	return true
}
