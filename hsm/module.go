//go:build cgo

package hsm

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

// Module is one PKCS#11 library in this process, and the only one who initialises it.
// It is safe for concurrent use.
type Module struct {
	path   string
	p11    *pkcs11.Ctx
	direct *direct

	// mu is held whenever the library is initialised or finalised.
	mu       sync.Mutex
	contexts int             // of crypto11; the library is initialised while there are any
	labels   map[string]bool // of the open tokens
	closed   bool
}

// Open loads the library at path. It does not initialise it yet: see the package
// documentation.
func Open(path string) (*Module, error) {
	// An empty name would give the program itself.
	if path == "" {
		return nil, errors.New("no PKCS#11 module is configured: give the path of its library")
	}
	direct, err := loadDirect(path)
	if err != nil {
		return nil, err
	}
	p11 := pkcs11.New(path)
	if p11 == nil {
		direct.unload()
		return nil, fmt.Errorf("loading %s: not a PKCS#11 library", path)
	}
	return &Module{path: path, p11: p11, direct: direct, labels: make(map[string]bool)}, nil
}

// Token opens the token with the label in cfg, which must be unique, and logs in with
// its PIN, once. Errors: *[TokenNotFoundError], [ErrWrongPIN], [ErrInUse],
// [ErrKeysChanged], [ErrTokenGone].
//
// A token on which the key ceremony has not been held opens too: [Token.Ready] tells.
func (m *Module) Token(cfg TokenConfig) (*Token, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := m.claim(cfg.Label); err != nil {
		return nil, err
	}
	token, err := openToken(m, cfg)
	if err != nil {
		m.yield(cfg.Label)
		return nil, fmt.Errorf("token %q: %w", cfg.Label, err)
	}
	return token, nil
}

// Close unloads the library. It refuses while a token is open.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	if len(m.labels) > 0 {
		return fmt.Errorf("closing the PKCS#11 module: %d tokens: %w", len(m.labels), ErrInUse)
	}
	m.closed = true
	m.p11.Destroy()
	m.direct.unload()
	return nil
}

func (m *Module) claim(label string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("PKCS#11 module: %w", ErrClosed)
	}
	if m.labels[label] {
		return fmt.Errorf("token %q: %w", label, ErrInUse)
	}
	m.labels[label] = true
	return nil
}

func (m *Module) yield(label string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.labels, label)
}

// administer runs f with the library initialised.
func (m *Module) administer(f func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.whileInitialised(f)
}

// whileInitialised initialises the library for f alone where no token is open. The
// caller holds mu.
func (m *Module) whileInitialised(f func() error) (err error) {
	if m.closed {
		return fmt.Errorf("PKCS#11 module: %w", ErrClosed)
	}
	if m.contexts == 0 {
		if err := m.p11.Initialize(); err != nil {
			return m.initialising(err)
		}
		defer func() { err = errors.Join(err, m.p11.Finalize()) }()
	}
	return f()
}

// attach finds the token and gives a crypto11 context on it, the first of which
// initialises the library. Both happen under one lock: a slot may get another number
// when the library is initialised again. LoginNotSupported keeps the PIN away from
// crypto11, whose sessions share the login that Token keeps.
func (m *Module) attach(cfg TokenConfig) (token placed, context *crypto11.Context, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err = m.whileInitialised(func() error {
		token, err = m.find(cfg.Label)
		return err
	})
	if err != nil {
		return placed{}, nil, err
	}
	if err := cfg.fits(token.info); err != nil {
		return placed{}, nil, err
	}
	number := int(token.slot)
	context, err = crypto11.Configure(&crypto11.Config{
		Path:              m.path,
		SlotNumber:        &number,
		LoginNotSupported: true,
		MaxSessions:       cfg.Sessions + 1, // it keeps one for itself
		PoolWaitTimeout:   cfg.Wait,
	})
	if err != nil {
		return placed{}, nil, m.initialising(err)
	}
	m.contexts++
	return token, context, nil
}

// detach closes a context of attach. The last one finalises the library.
func (m *Module) detach(context *crypto11.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.contexts--
	return context.Close()
}

func (m *Module) initialising(err error) error {
	if returned(err) == pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED {
		return fmt.Errorf("initialising %s: something else in this process has done so: one Module per library: %w", m.path, err)
	}
	return explain("initialising "+m.path, err)
}
