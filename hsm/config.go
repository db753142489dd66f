//go:build cgo

package hsm

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/miekg/pkcs11"
)

// TokenConfig says which token, and how much of it at a time.
type TokenConfig struct {
	Label string

	// PIN of the token's user. Token keeps a copy of its own until Close.
	PIN *PIN

	// Sessions bounds how many operations run on the token at a time; 4 if zero. The
	// token needs room for twice as many sessions and three more.
	Sessions int

	// Wait bounds how long an operation waits for its turn; 5 seconds if zero.
	Wait time.Duration

	// Limit bounds how long an operation may take, logging in again included, before
	// its caller is told [ErrHung]; 10 seconds if zero. The call itself cannot be
	// interrupted: see [Token].
	Limit time.Duration

	// Observer is told what happens on the token; nobody if nil.
	Observer Observer
}

func (cfg TokenConfig) withDefaults() (TokenConfig, error) {
	if cfg.Label == "" {
		return cfg, errors.New("no token label is configured")
	}
	if cfg.Sessions < 0 || cfg.Wait < 0 || cfg.Limit < 0 {
		return cfg, fmt.Errorf("token %q: sessions, wait and limit must not be negative", cfg.Label)
	}
	cfg.Sessions = cmp.Or(cfg.Sessions, 4)
	cfg.Wait = cmp.Or(cfg.Wait, 5*time.Second)
	cfg.Limit = cmp.Or(cfg.Limit, 10*time.Second)
	if cfg.Observer == nil {
		cfg.Observer = unobserved{}
	}
	return cfg, nil
}

// mostHung is how many calls may hang before no more are sent, where the token has
// room for as many sessions.
func (cfg TokenConfig) mostHung() int { return 2 * cfg.Sessions }

// needed counts sessions: each operation may need one of ours or one of crypto11's; each
// side keeps one open, and so does the module on the first of its tokens.
func (cfg TokenConfig) needed() uint { return uint(2*cfg.Sessions + 3) }

// fits compares the sessions that are needed with those that the token allows.
func (cfg TokenConfig) fits(info pkcs11.TokenInfo) error {
	allowed, bounded := sessionLimit(info)
	if bounded && cfg.needed() > allowed {
		return fmt.Errorf("the token allows %d sessions and %d are needed for %d operations at a time: configure fewer", allowed, cfg.needed(), cfg.Sessions)
	}
	return nil
}

// roomForHung is how many calls may hang with sessions that others replace: at the last
// one, no more are sent.
func (cfg TokenConfig) roomForHung(info pkcs11.TokenInfo) int {
	allowed, bounded := sessionLimit(info)
	if !bounded {
		return cfg.mostHung()
	}
	return max(1, min(cfg.mostHung(), int(allowed)-int(cfg.needed())))
}

func sessionLimit(info pkcs11.TokenInfo) (allowed uint, bounded bool) {
	allowed = info.MaxRwSessionCount
	return allowed, allowed != pkcs11.CK_EFFECTIVELY_INFINITE && allowed != pkcs11.CK_UNAVAILABLE_INFORMATION
}
