//go:build cgo

package hsm

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"
)

// Module is one PKCS#11 library in this process, and the only one who initialises it.
// It is safe for concurrent use.
type Module struct {
	path       string
	parameters string // for C_Initialize; most libraries take none
	p11        *pkcs11.Ctx
	direct     *direct

	// gate is entered for every call into the library. Who is alone in it may change
	// what follows, which everybody inside may read.
	gate    gate
	keeper  io.Closer // keeps the library initialised; nil while it is not
	started bool      // ever, by this Module

	administering sync.Mutex // one at a time looks for a free slot

	// making is held by the one who makes a token, and read-locked by those who look for
	// theirs in the table of slots: SoftHSM changes that when it is next asked for slots,
	// and guards it not at all. Two who ask at once could end the process.
	making sync.RWMutex

	mu       sync.Mutex
	open     map[string]*Token // the open ones, by label
	closed   bool
	restarts restarts
}

// Open loads the library at path. It does not initialise it yet: see the package
// documentation.
func Open(path string) (*Module, error) { return OpenWithParameters(path, "") }

// OpenWithParameters loads a library that takes parameters when it is initialised: a text
// without zero bytes, handed over in the reserved member of CK_C_INITIALIZE_ARGS
// (PKCS#11 v2.40 §3.7). NSS takes its database's place that way.
func OpenWithParameters(path, parameters string) (*Module, error) {
	if strings.ContainsRune(parameters, 0) {
		return nil, errors.New("the PKCS#11 module's parameters have a zero byte")
	}
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
	return &Module{path: path, parameters: parameters, p11: p11, direct: direct, open: make(map[string]*Token)}, nil
}

// Token opens the token with the label in cfg, which must be unique, and logs in with
// its PIN, once. Errors: *[TokenNotFoundError], [ErrWrongPIN], [ErrInUse],
// [ErrKeysChanged], [ErrTokenGone], [ErrHung].
//
// A token on which the key ceremony has not been held opens too: [Token.Ready] tells.
// A token that hangs while it is opened stays in use until the process ends.
func (m *Module) Token(cfg TokenConfig) (*Token, error) {
	t, err := newToken(m, cfg)
	if err != nil {
		return nil, err
	}
	if err := m.claim(t); err != nil {
		t.cfg.PIN.Destroy()
		return nil, err
	}
	if err := t.open(); err != nil {
		return nil, err
	}
	return t, nil
}

// Close unloads the library. It refuses while a token is open.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	if len(m.open) > 0 {
		return fmt.Errorf("closing the PKCS#11 module: %d tokens: %w", len(m.open), ErrInUse)
	}
	m.closed = true
	m.p11.Destroy()
	m.direct.unload()
	return nil
}

func (m *Module) claim(t *Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("PKCS#11 module: %w", ErrClosed)
	}
	if m.open[t.cfg.Label] != nil {
		return fmt.Errorf("token %q: %w", t.cfg.Label, ErrInUse)
	}
	m.open[t.cfg.Label] = t
	return nil
}

// holds reports whether t is open.
func (m *Module) holds(t *Token) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open[t.cfg.Label] == t
}

func (m *Module) yield(t *Token) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, t.cfg.Label)
}

// openTokens gives the tokens that are open now.
func (m *Module) openTokens() []*Token {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Token
	for _, t := range m.open {
		list = append(list, t)
	}
	return list
}

func (m *Module) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}
