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
}

// withKeys runs an operation that needs the token's keys.
func (t *Token) withKeys(ctx context.Context, doing string, op func(session) error) error {
	return t.withSession(ctx, doing, func(s session) error {
		if s.keys == nil {
			return ErrNotInitialised
		}
		return op(s)
	})
}

// withSession runs op on a session of its own.
func (t *Token) withSession(ctx context.Context, doing string, op func(session) error) error {
	return t.withLogin(ctx, doing, func(l *login) error {
		handle, err := t.take(l)
		if err != nil {
			return err
		}
		err = op(session{Ctx: t.module.p11, handle: handle, direct: t.module.direct, keys: l.keys})
		t.give(l, handle, err)
		return err
	})
}

// withLogin waits for a turn and runs op; if the login has died it is renewed, and op
// runs a second and last time.
func (t *Token) withLogin(ctx context.Context, doing string, op func(*login) error) error {
	if err := t.takeSeat(ctx); err != nil {
		return t.failed(doing, err)
	}
	defer t.leaveSeats(1)
	l := t.current()
	err := op(l)
	if loginLost(err) {
		if err := t.renew(l); err != nil {
			return t.failed(doing+": logging in again", err)
		}
		err = op(t.current())
	}
	return t.failed(doing, err)
}

// takeSeat waits until fewer operations run than there may be sessions.
func (t *Token) takeSeat(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(t.cfg.Wait)
	defer timer.Stop()
	select {
	case t.seats <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ErrBusy
	}
	if t.isClosed() {
		t.leaveSeats(1)
		return ErrClosed
	}
	return nil
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

func (t *Token) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// take gives an idle session of the login, or a new one.
func (t *Token) take(l *login) (pkcs11.SessionHandle, error) {
	if handle, ok := t.takeIdle(l); ok {
		return handle, nil
	}
	return t.module.p11.OpenSession(l.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
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

// give puts a session back if nothing went wrong on it. After an error nobody knows
// what is still active on it, so it is closed; one that is dead is left alone, for its
// number may be somebody else's by now.
func (t *Token) give(l *login, handle pkcs11.SessionHandle, err error) {
	if sessionDead(err) {
		return
	}
	if err != nil || !t.keep(l, handle) {
		_ = t.module.p11.CloseSession(handle)
	}
}

// keep puts a session into the pool, unless its login has been replaced meanwhile.
func (t *Token) keep(l *login, handle pkcs11.SessionHandle) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l != t.login {
		return false
	}
	t.idle = append(t.idle, handle)
	return true
}
