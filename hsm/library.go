//go:build cgo

package hsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

const (
	// patience is how long one who must be alone with the library waits for the
	// calls that run in it. Those that come meanwhile wait for him.
	patience = time.Second

	// restartPause keeps one dead token from taking the others down all the time.
	restartPause = time.Second

	// signingWait: whoever has a seat finds a session in crypto11's pool, unless a
	// call hangs in one; a new context then brings another.
	signingWait = 100 * time.Millisecond

	// closingWait: closing is a matter of microseconds, unless a call hangs.
	closingWait = 100 * time.Millisecond
)

// restarts counts how often the library was initialised anew. Module's mu guards it.
type restarts struct {
	count int
	last  time.Time
}

// enter enters the gate and makes sure that the library is initialised, which it then
// stays until the caller leaves the gate. label is that of a token to be used.
func (m *Module) enter(label string) error {
	for {
		m.gate.enter()
		if m.keeper != nil {
			return nil
		}
		m.gate.leave()
		if err := m.alone(func() error { return m.start(label) }); err != nil {
			return err
		}
	}
}

// alone runs f while nobody else is in the library.
func (m *Module) alone(f func() error) error {
	if !m.gate.enterAlone(patience) {
		return fmt.Errorf("other calls do not return, so %s cannot be initialised: %w", m.path, ErrHung)
	}
	defer m.gate.leaveAlone()
	return f()
}

// start has crypto11 initialise the library, with a context that does nothing else:
// each token has another one, and none of these is then the last to be closed, which
// ends the library. The caller is alone.
func (m *Module) start(label string) error {
	if m.keeper != nil {
		return nil
	}
	if m.parameters != "" {
		return m.startWithParameters()
	}
	err := m.initialise(func() error {
		keeper, err := crypto11.Configure(&crypto11.Config{
			Path: m.path, TokenLabel: label, LoginNotSupported: true, MaxSessions: 2,
		})
		if err == nil {
			m.keeper = keeper
		}
		return err
	})
	if err == nil || returned(err) != 0 {
		return err
	}
	// crypto11 does not say which tokens there are when it does not find one.
	return m.whileInitialised(func() error {
		if _, missing := m.find(label); missing != nil {
			return missing
		}
		return fmt.Errorf("%w: %w", ErrTokenGone, err)
	})
}

// initialise runs by, which initialises the library. One that this Module has initialised
// before and that says it still is, has not ended when it was told to. The caller is
// alone.
func (m *Module) initialise(by func() error) error {
	err := by()
	if m.started && returned(err) == pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED {
		if err := m.end(); err != nil {
			return err
		}
		err = by()
	}
	if returned(err) == pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED {
		return fmt.Errorf("initialising %s: one Module per library, and nothing else: %w: %w", m.path, ErrInUse, err)
	}
	m.started = m.started || err == nil
	if returned(err) == pkcs11.CKR_ARGUMENTS_BAD {
		err = fmt.Errorf("%w; some libraries need parameters, or others than these: see initParameters in the configuration", err)
	}
	return explain("initialising "+m.path, err)
}

// stop ends the library. The caller is alone.
func (m *Module) stop() {
	if m.keeper == nil {
		return
	}
	_ = m.keeper.Close() // which says nothing of a library that would not end
	m.keeper = nil
	_ = m.end() // and if it does not end now, it will before it is initialised again
}

// end ends the library. The caller is alone.
func (m *Module) end() error {
	err := m.p11.Finalize()
	if returned(err) == pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED {
		return nil
	}
	return explain("ending "+m.path, err)
}

// restart logs every token out and ends the library; the next operation on each token
// initialises it and logs in again. It does nothing if somebody else has done so since
// generation, and refuses to do it twice in a moment.
func (m *Module) restart(generation int) error {
	return m.alone(func() error {
		if ok, err := m.mayRestart(generation); !ok {
			return err
		}
		for _, t := range m.openTokens() {
			t.logOut()
		}
		m.stop()
		return nil
	})
}

func (m *Module) mayRestart(generation int) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.restarts.count != generation {
		return false, nil
	}
	if time.Since(m.restarts.last) < restartPause {
		return false, errors.New("the library was initialised again a moment ago")
	}
	m.restarts = restarts{count: generation + 1, last: time.Now()}
	return true, nil
}

// generation is a number that grows with each restart.
func (m *Module) generation() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.restarts.count
}

// Restarts returns how often the library was ended and initialised again because a
// token could not be reached otherwise.
func (m *Module) Restarts() int { return m.generation() }

// stopUnlessUsed ends the library when no token is open.
func (m *Module) stopUnlessUsed() error {
	if len(m.openTokens()) > 0 {
		return nil
	}
	return m.alone(func() error {
		if len(m.openTokens()) == 0 {
			m.stop()
		}
		return nil
	})
}

// administer runs f with the library initialised.
func (m *Module) administer(f func() error) error {
	m.administering.Lock()
	defer m.administering.Unlock()
	if m.isClosed() {
		return fmt.Errorf("PKCS#11 module: %w", ErrClosed)
	}
	m.gate.enter()
	if m.keeper != nil {
		defer m.gate.leave()
		return f()
	}
	m.gate.leave()
	return m.alone(func() error { return m.whileInitialised(f) })
}

// whileInitialised initialises the library for f alone where no token is open. The
// caller is alone.
func (m *Module) whileInitialised(f func() error) (err error) {
	if m.keeper == nil {
		if err := m.initialise(m.initialiseAlone); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.end()) }()
	}
	return f()
}

// attach finds the token and gives a crypto11 context on it. LoginNotSupported keeps the
// PIN away from crypto11, whose sessions share the login that Token keeps. The caller
// is inside the gate: a slot may have another number in another initialisation. The
// context is nil where the library needs parameters: see parameters.go.
func (m *Module) attach(cfg TokenConfig) (token placed, context *crypto11.Context, err error) {
	m.making.RLock()
	defer m.making.RUnlock()
	token, err = m.find(cfg.Label)
	if err != nil {
		return placed{}, nil, err
	}
	if err := cfg.fits(token.info); err != nil {
		return placed{}, nil, err
	}
	if m.parameters != "" {
		return token, nil, nil
	}
	number := int(token.slot)
	context, err = crypto11.Configure(&crypto11.Config{
		Path:              m.path,
		SlotNumber:        &number,
		LoginNotSupported: true,
		MaxSessions:       cfg.Sessions + 1, // it keeps one for itself
		PoolWaitTimeout:   signingWait,
	})
	if err != nil {
		return placed{}, nil, explain("opening a session for signing", err)
	}
	return token, context, nil
}

// detach closes a context of attach. crypto11 waits for a signature that is being made
// on it; if that one hangs, the closing goes on without the caller.
func (m *Module) detach(context *crypto11.Context) {
	if context == nil {
		return
	}
	m.gate.hold()
	closed := make(chan struct{})
	go func() {
		defer m.gate.leave()
		defer close(closed)
		_ = context.Close() // which never fails
	}()
	select {
	case <-closed:
	case <-time.After(closingWait):
	}
}
