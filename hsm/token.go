//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/miekg/pkcs11"
)

// TokenConfig says which token, and how much of it at a time.
type TokenConfig struct {
	Label string

	// PIN of the token's user. Token keeps a copy of its own until Close.
	PIN *PIN

	// Sessions bounds how many operations run on the token at a time; 4 if zero. The
	// token needs room for twice as many sessions and two more.
	Sessions int

	// Wait bounds how long an operation waits for its turn; 5 seconds if zero. A
	// call into the token itself cannot be interrupted.
	Wait time.Duration
}

func (cfg TokenConfig) withDefaults() (TokenConfig, error) {
	if cfg.Label == "" {
		return cfg, errors.New("no token label is configured")
	}
	if cfg.Sessions < 0 || cfg.Wait < 0 {
		return cfg, fmt.Errorf("token %q: sessions and wait must not be negative", cfg.Label)
	}
	if cfg.Sessions == 0 {
		cfg.Sessions = 4
	}
	if cfg.Wait == 0 {
		cfg.Wait = 5 * time.Second
	}
	return cfg, nil
}

// fits compares the sessions that are needed with those that the token allows: each
// operation may need one of ours or one of crypto11's, and each side keeps one open.
func (cfg TokenConfig) fits(info pkcs11.TokenInfo) error {
	allowed := info.MaxRwSessionCount
	if allowed == pkcs11.CK_EFFECTIVELY_INFINITE || allowed == pkcs11.CK_UNAVAILABLE_INFORMATION {
		return nil
	}
	if needed := uint(2*cfg.Sessions + 2); needed > allowed {
		return fmt.Errorf("the token allows %d sessions and %d are needed for %d operations at a time: configure fewer", allowed, needed, cfg.Sessions)
	}
	return nil
}

// Token is one signer's token, logged in. It is safe for concurrent use. Each operation
// has a session to itself; when a session, the login or a handle has died, Token logs
// in again and repeats the operation once.
//
// Operations return [ErrBusy] when their turn does not come in time, [ErrNotInitialised]
// before the key ceremony, [ErrTokenGone] when logging in again does not help,
// [ErrWrongPIN] when the PIN no longer holds, and the context's error when it ends while
// they wait.
type Token struct {
	module *Module
	cfg    TokenConfig // its PIN is a copy
	seats  chan struct{}

	// ceremony keeps two ceremonies of this process from making every key twice.
	ceremony sync.Mutex

	// mu guards what follows; renewing the login happens under it.
	mu      sync.Mutex
	login   *login
	idle    []pkcs11.SessionHandle // of this login
	refused error                  // set once the PIN was refused: no further attempt
	closed  bool
}

func openToken(m *Module, cfg TokenConfig) (*Token, error) {
	pin, err := cfg.PIN.clone()
	if err != nil {
		return nil, err
	}
	cfg.PIN = pin
	t := &Token{module: m, cfg: cfg, seats: make(chan struct{}, cfg.Sessions)}
	t.login, err = t.connect()
	if err != nil {
		pin.Destroy()
		return nil, err
	}
	return t, nil
}

// Label returns the token's label.
func (t *Token) Label() string { return t.cfg.Label }

// Ready says whether the token can serve: its keys are there, and a share that is
// sealed now opens again. Errors: as for every operation.
func (t *Token) Ready(ctx context.Context) error {
	if t.current().keys == nil {
		// Somebody else may have held the ceremony since.
		if err := t.renew(t.current()); err != nil {
			return t.failed("looking for keys", err)
		}
	}
	return t.withSession(ctx, "self-test", func(s session) error { return s.knownAnswer() })
}

// ImportPublicKey returns the public half of the import key: 65 bytes, a SEC1
// uncompressed point on secp256k1. It is nil before the key ceremony.
func (t *Token) ImportPublicKey() []byte {
	keys := t.current().keys
	if keys == nil {
		return nil
	}
	return append([]byte(nil), keys.importPublic...)
}

// Close ends the login and wipes the PIN. It waits for running operations as long as
// an operation waits for its turn; if they are not done by then, it returns [ErrBusy]
// and may be called again. Operations begun after Close are refused with [ErrClosed].
func (t *Token) Close() error {
	t.mu.Lock()
	done := t.closed && t.login == nil
	t.closed = true
	t.mu.Unlock()
	if done {
		return nil
	}
	if err := t.takeAllSeats(); err != nil {
		return t.failed("closing", err)
	}
	defer t.leaveSeats(cap(t.seats)) // those who still wait learn that it is closed
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.login == nil {
		return nil
	}
	t.closeIdle()
	err := t.disconnect(t.login)
	t.login = nil
	t.cfg.PIN.Destroy()
	t.module.yield(t.cfg.Label)
	return t.failed("closing", err)
}

// current is the login of now; after Close an empty one, which has no keys.
func (t *Token) current() *login {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.login == nil {
		return new(login)
	}
	return t.login
}

func (t *Token) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return explain(fmt.Sprintf("token %q: %s", t.cfg.Label, doing), err)
}
