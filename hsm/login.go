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

// errNoLogin: the token is logged out, because the library was ended or because the
// last attempt to log in failed.
var errNoLogin = fmt.Errorf("logged out: %w", ErrTokenGone)

// errOldLogin: the login may be older than the keys on the token.
var errOldLogin = errors.New("logged in before the keys were made")

// mend replaces the login dead, nil if there was none, unless another caller has done
// so. Where logging in again does not help, the whole library is initialised anew.
//
// Only one caller at a time gets here. Those who wait for him do so on their own time:
// each may be given up by its own caller.
func (t *Token) mend(dead *login) error {
	t.mending.Lock()
	defer t.mending.Unlock()
	if now := t.current(); now != nil && now != dead {
		return nil
	}
	generation := t.module.generation()
	err := t.logIn()
	if t.opened && libraryMayBeStale(err) {
		if refused := t.module.restart(generation); refused != nil {
			err = fmt.Errorf("%w (%w)", err, refused)
		} else {
			err = t.logIn()
		}
	}
	return t.mended(err)
}

// mended takes note of what came of it. A token with no session to spare is no dead
// token.
func (t *Token) mended(err error) error {
	switch {
	case err == nil:
		if t.opened {
			t.logins.Add(1)
			t.cfg.Observer.Reconnected(t.cfg.Label)
		}
		t.opened = true
		return nil
	case errors.Is(err, ErrBusy), errors.Is(err, ErrClosed):
		return err
	}
	var missing *TokenNotFoundError
	if t.opened && errors.As(err, &missing) {
		err = fmt.Errorf("%w: %w", ErrTokenGone, err)
	}
	return &notMendedError{err}
}

// libraryMayBeStale reports whether a library that is initialised anew may see the token
// again: some look at it once, when they are initialised, and a broken connection to
// remote ones stays broken. A deleted key looks like a token that has gone.
func libraryMayBeStale(err error) bool {
	var missing *TokenNotFoundError
	return errors.Is(err, ErrTokenGone) || errors.Is(err, ErrKeysChanged) || errors.As(err, &missing)
}

// logIn ends the old login and makes a new one, in this order: a module may give the
// numbers of dead sessions to new ones, and closing those would be a mistake.
func (t *Token) logIn() error {
	if t.isClosed() {
		return ErrClosed
	}
	if err := t.module.enter(t.cfg.Label); err != nil {
		return err
	}
	defer t.module.gate.leave()
	t.logOut()
	fresh, err := t.connect()
	if err != nil {
		return err
	}
	if !t.install(fresh) {
		t.disconnect(fresh)
		return ErrKeysChanged
	}
	return nil
}

// connect finds the token, logs in, finds its keys, and makes sure that they work. The
// caller is inside the gate.
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
	t.breaker.limit(t.cfg.roomForHung(info))
	p11 := t.module.p11
	var err error
	if l.anchor, err = p11.OpenSession(l.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION); err != nil {
		return explain("opening a session", err)
	}
	err = t.module.direct.login(l.anchor, pkcs11.CKU_USER, t.cfg.PIN.bytes())
	if err != nil && returned(err) != pkcs11.CKR_USER_ALREADY_LOGGED_IN {
		return explain("logging in", err)
	}
	return t.findKeys(l)
}

// findKeys also makes sure that they work. It looks again where a key vanishes between its
// being found and its use, since another process may replace share-wrapping keys at any
// time.
func (t *Token) findKeys(l *login) (err error) {
	const looks = 8
	for look := 1; ; look++ {
		l.keys, err = loadKeys(t.module.p11, l.anchor, l.signing)
		if errors.Is(err, ErrNotInitialised) {
			return nil
		}
		s := session{Ctx: t.module.p11, handle: l.anchor, direct: t.module.direct, keys: l.keys}
		if err == nil {
			err = s.knownAnswer(l.keys.wrapping.newest())
		}
		if err == nil {
			return nil
		}
		changed := keyVanished(err) || s.keysMayChange()
		if !changed || look == looks {
			err = s.oneWorks(err)
			changed = keyVanished(err)
		}
		if !changed || look == looks {
			return err
		}
	}
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

// install makes l the login of now, unless its keys are not those that the token had.
func (t *Token) install(l *login) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.keys.same(l.keys) {
		return false
	}
	t.login, t.keys = l, l.keys
	return true
}

// logOut ends the login, if there is one. The caller is inside the gate or alone.
func (t *Token) logOut() {
	t.mu.Lock()
	l, idle := t.login, t.idle
	t.login, t.idle = nil, nil
	t.mu.Unlock()
	for _, handle := range idle {
		_ = t.module.p11.CloseSession(handle)
	}
	if l != nil {
		t.disconnect(l)
	}
}

// disconnect gives a login back, complete or not. What has died already cannot be
// closed, and need not be.
func (t *Token) disconnect(l *login) {
	if l.anchor != 0 {
		_ = t.module.p11.CloseSession(l.anchor)
	}
	t.module.detach(l.signing)
}
