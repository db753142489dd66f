//go:build cgo

package hsm

import (
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

// login is one login to the token and what hangs on it. It never changes: when a part
// of it dies, a new one takes its place as a whole, so that no operation sees handles
// of one login with sessions of another.
type login struct {
	slot    uint
	anchor  pkcs11.SessionHandle // idle; a login lasts as long as some session
	signing *crypto11.Context
	keys    *keySet // nil before the key ceremony
}

// connect finds the token, logs in, finds its keys, and makes sure that they work.
func (t *Token) connect() (*login, error) {
	token, signing, err := t.module.attach(t.cfg)
	if err != nil {
		return nil, err
	}
	l := &login{slot: token.slot, signing: signing}
	if err := t.establish(l, token.info); err != nil {
		t.disconnect(l)
		return nil, err
	}
	return l, nil
}

func (t *Token) establish(l *login, info pkcs11.TokenInfo) error {
	if err := pinMayBeTried(info); err != nil {
		return err
	}
	p11 := t.module.p11
	var err error
	if l.anchor, err = p11.OpenSession(l.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION); err != nil {
		return explain("opening a session", err)
	}
	err = t.module.direct.login(l.anchor, pkcs11.CKU_USER, t.cfg.PIN.bytes())
	if err != nil && returned(err) != pkcs11.CKR_USER_ALREADY_LOGGED_IN {
		return explain("logging in", err)
	}
	l.keys, err = loadKeys(p11, l.anchor, l.signing)
	if errors.Is(err, ErrNotInitialised) {
		return nil
	}
	if err != nil {
		return err
	}
	return session{Ctx: p11, handle: l.anchor, direct: t.module.direct, keys: l.keys}.knownAnswer()
}

// pinMayBeTried spares a token its last attempt: a service that is restarted again and
// again with a wrong PIN would otherwise lock it.
func pinMayBeTried(info pkcs11.TokenInfo) error {
	switch {
	case info.Flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return fmt.Errorf("the PIN is locked, have the security officer set a new one: %w", ErrWrongPIN)
	case info.Flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return fmt.Errorf("one attempt is left before the PIN locks, log in by hand with the right one: %w", ErrWrongPIN)
	}
	return nil
}

// disconnect gives a login back, complete or not. What has died already cannot be
// closed, and need not be.
func (t *Token) disconnect(l *login) error {
	if l.anchor != 0 {
		_ = t.module.p11.CloseSession(l.anchor)
	}
	return t.module.detach(l.signing)
}

// renew replaces the login dead, unless another caller has done so. The new one is
// made before the old one ends: the last crypto11 context to close would finalise the
// library.
func (t *Token) renew(dead *login) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.login != dead {
		return nil
	}
	if t.closed {
		return ErrClosed
	}
	if t.refused != nil {
		return t.refused
	}
	fresh, err := t.connect()
	if err != nil {
		return t.notRenewed(err)
	}
	if !dead.keys.same(fresh.keys) {
		t.disconnect(fresh)
		return ErrKeysChanged
	}
	t.closeIdle()
	t.login = fresh
	return t.disconnect(dead)
}

// notRenewed remembers a refused PIN, and calls a token gone that was there before.
func (t *Token) notRenewed(err error) error {
	var missing *TokenNotFoundError
	switch {
	case errors.Is(err, ErrWrongPIN):
		t.refused = err
	case errors.As(err, &missing):
		return fmt.Errorf("%w: %w", ErrTokenGone, err)
	}
	return err
}

// closeIdle closes the sessions that wait in the pool. The caller holds mu.
func (t *Token) closeIdle() {
	for _, handle := range t.idle {
		_ = t.module.p11.CloseSession(handle)
	}
	t.idle = nil
}
