//go:build cgo

package hsm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"

	"keyferry/hsm/fitness"
)

// Token is one signer's token, logged in. It is safe for concurrent use. Each operation
// has a session to itself; when a session, the login or a handle has died, Token logs
// in again and repeats the operation, and where that does not help it has the whole
// library initialised anew.
//
// Operations return [ErrBusy] when their turn does not come in time, [ErrNotInitialised]
// before the key ceremony, [ErrTokenGone] when nothing helps, [ErrNotAsked] for as long
// as the token is then left alone, [ErrWrongPIN] when the PIN no longer holds, and the
// context's error when it ends first.
//
// An operation that the library does not return from costs its caller the time limit and
// [ErrHung], unless he is [Expendable] and stays. Its session and its memory stay with it
// until it returns, and another session takes the place of its own. It may read the
// caller's blob, associated data or digest until then. When too many hang, no more are
// sent.
type Token struct {
	module  *Module
	cfg     TokenConfig // its PIN is a copy
	seats   chan struct{}
	breaker *breaker
	workers *workers
	logins  atomic.Int64 // that took the place of dead ones

	// ceremony keeps two ceremonies of this process from making every key twice.
	ceremony sync.Mutex

	// mending is held by the one who replaces the login. It guards opened: whether
	// there ever was one.
	mending sync.Mutex
	opened  bool

	// fitness is what the last self-test found; nil before the first.
	fitness atomic.Pointer[fitness.Report]

	// mu guards what follows. It is never held during a call into the library.
	mu     sync.Mutex
	login  *login                 // nil while logged out
	idle   []pkcs11.SessionHandle // of this login
	keys   *keySet                // of the last login; nil before the key ceremony
	closed bool
}

func newToken(m *Module, cfg TokenConfig) (*Token, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.PIN, err = cfg.PIN.clone(); err != nil {
		return nil, fmt.Errorf("token %q: %w", cfg.Label, err)
	}
	return &Token{
		module: m, cfg: cfg, seats: make(chan struct{}, cfg.Sessions), workers: &workers{most: cfg.mostHung()},
		breaker: &breaker{
			now: time.Now, mostHung: cfg.mostHung(),
			changed: func(state BreakerState) { cfg.Observer.BreakerChanged(cfg.Label, state) },
		},
	}, nil
}

// open logs in, as an operation that needs nothing else.
func (t *Token) open() error {
	_, err := run(context.Background(), t, job[struct{}]{
		op:   opLogIn,
		work: func(*login) (struct{}, error) { return struct{}{}, nil },
	})
	if err == nil {
		return nil
	}
	t.refuseMore()
	if errors.Is(err, ErrHung) {
		return err // what hangs uses the PIN
	}
	return errors.Join(err, t.release())
}

// Label returns the token's label.
func (t *Token) Label() string { return t.cfg.Label }

// Ready says whether the token can serve: its keys are there, and a share that is
// sealed now, under the newest of the share-wrapping keys that works, opens again. Errors:
// as for every operation.
func (t *Token) Ready(ctx context.Context) error {
	work := withKeys(t, func(s session) (struct{}, error) {
		err := s.knownAnswer(s.keys.wrapping.newest())
		if err != nil {
			err = s.oneWorks(err)
		}
		return struct{}{}, err
	})
	_, err := run(ctx, t, job[struct{}]{op: opSelfTest, work: lookingAgain(work)})
	return err
}

// lookingAgain makes work log in again, once, if it finds no keys: somebody may have held
// the ceremony since.
func lookingAgain[R any](work func(*login) (R, error)) func(*login) (R, error) {
	looked := false
	return func(l *login) (none R, err error) {
		if l.keys == nil && !looked {
			looked = true
			return none, errOldLogin
		}
		return work(l)
	}
}

// ImportPublicKey returns the public half of the import key: 65 bytes, a SEC1
// uncompressed point on secp256k1. It is nil before the key ceremony.
func (t *Token) ImportPublicKey() []byte {
	keys := t.lastKeys()
	if keys == nil {
		return nil
	}
	return bytes.Clone(keys.importPublic)
}

// Close ends the login and wipes the PIN. It waits for running operations as long as
// an operation waits for its turn; if they are not done by then, it returns [ErrBusy]
// and may be called again. A call that hangs makes it return [ErrHung] for as long: what
// it uses cannot be taken away. Operations begun after Close are refused with
// [ErrClosed].
func (t *Token) Close() error {
	t.refuseMore()
	if err := t.takeAllSeats(); err != nil {
		return t.explain("closing", err)
	}
	if _, hung, _ := t.breaker.state(); hung > 0 {
		t.leaveSeats(cap(t.seats))
		return t.explain("closing", ErrHung)
	}
	return t.explain("closing", t.releaseInTime())
}

// releaseInTime leaves the seats when it is done, for those who still wait to learn that
// the token is closed.
func (t *Token) releaseInTime() error {
	done := make(chan error, 1)
	go func() {
		defer t.leaveSeats(cap(t.seats))
		done <- t.release()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(t.cfg.Limit):
		return ErrHung
	}
}

// refuseMore makes operations end with ErrClosed from now on.
func (t *Token) refuseMore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// release gives everything back, once. No operation runs any more.
func (t *Token) release() error {
	if !t.module.holds(t) {
		return nil
	}
	t.module.gate.enter()
	t.logOut()
	t.module.gate.leave()
	t.mu.Lock()
	t.keys = nil
	t.mu.Unlock()
	t.cfg.PIN.Destroy()
	t.workers.end()
	t.module.yield(t)
	return t.module.stopUnlessUsed()
}

func (t *Token) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// current is the login of now, nil while logged out.
func (t *Token) current() *login {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.login
}

// lastKeys outlive the login that they were found by; their handles do not.
func (t *Token) lastKeys() *keySet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keys
}

func (t *Token) failed(op operation, err error) error { return t.explain(op.doing(), err) }

func (t *Token) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	return explain(fmt.Sprintf("token %q: %s", t.cfg.Label, doing), err)
}
