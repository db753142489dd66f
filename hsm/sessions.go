//go:build cgo

package hsm

import (
	"context"
	"time"

	"github.com/miekg/pkcs11"
)

// session is one PKCS#11 session for one operation, with the keys of its login.
type session struct {
	*pkcs11.Ctx
	handle pkcs11.SessionHandle
	direct *direct
	keys   *keySet // nil before the key ceremony

	tampered pkcs11.Error // the token's answer to what was changed; 0 if not known
}

// withKeys makes a job's work of an operation that needs the token's keys.
func withKeys[R any](t *Token, work func(session) (R, error)) func(*login) (R, error) {
	return withSession(t, func(s session) (none R, err error) {
		if s.keys == nil {
			return none, ErrNotInitialised
		}
		return work(s)
	})
}

// withSession makes a job's work of an operation that needs a session of its own.
func withSession[R any](t *Token, work func(session) (R, error)) func(*login) (R, error) {
	return func(l *login) (none R, err error) {
		handle, err := t.takeSession(l)
		if err != nil {
			return none, err
		}
		result, err := work(session{Ctx: t.module.p11, handle: handle, direct: t.module.direct, keys: l.keys, tampered: t.tampered()})
		t.giveSession(l, handle, err)
		return result, err
	}
}

// takeSeat waits until fewer operations run than there may be sessions.
func (t *Token) takeSeat(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.seats <- struct{}{}:
	default:
		if err := t.awaitSeat(ctx); err != nil {
			return err
		}
	}
	if t.isClosed() {
		t.leaveSeats(1)
		return ErrClosed
	}
	return nil
}

func (t *Token) awaitSeat(ctx context.Context) error {
	timer := time.NewTimer(t.cfg.Wait)
	defer timer.Stop()
	select {
	case t.seats <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ErrBusy
	}
}

// takeAllSeats ends when no operation runs. The seats stay taken unless it fails.
func (t *Token) takeAllSeats() error {
	timer := time.NewTimer(t.cfg.Wait)
	defer timer.Stop()
	for taken := range cap(t.seats) {
		select {
		case t.seats <- struct{}{}:
		case <-timer.C:
			t.leaveSeats(taken)
			return ErrBusy
		}
	}
	return nil
}

func (t *Token) leaveSeats(n int) {
	for range n {
		<-t.seats
	}
}

// takeSession gives an idle session of the login, or a new one.
func (t *Token) takeSession(l *login) (pkcs11.SessionHandle, error) {
	if handle, ok := t.takeIdle(l); ok {
		return handle, nil
	}
	handle, err := t.module.p11.OpenSession(l.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	return handle, explain("opening a session", err)
}

func (t *Token) takeIdle(l *login) (pkcs11.SessionHandle, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.idle) - 1
	if l != t.login || last < 0 {
		return 0, false
	}
	handle := t.idle[last]
	t.idle = t.idle[:last]
	return handle, true
}

// giveSession puts a session back if nothing went wrong on it. After an error nobody
// knows what is still active on it, so it is closed; one that is dead is left alone,
// for its number may be somebody else's by now.
func (t *Token) giveSession(l *login, handle pkcs11.SessionHandle, err error) {
	if sessionDead(err) {
		return
	}
	if err != nil || !t.keepSession(l, handle) {
		_ = t.module.p11.CloseSession(handle)
	}
}

// keepSession puts a session into the pool, unless its login has been replaced meanwhile
// or calls that hung, and came back, have filled the pool.
func (t *Token) keepSession(l *login, handle pkcs11.SessionHandle) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l != t.login || len(t.idle) == t.cfg.Sessions {
		return false
	}
	t.idle = append(t.idle, handle)
	return true
}
