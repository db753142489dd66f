//go:build cgo

package demo

import (
	"fmt"
	"io"

	"keyferry/hsm"
	"keyferry/server/client"
	"keyferry/server/sandbox"
)

// story is what is told, and with whom.
type story struct {
	out      io.Writer
	box      *sandbox.Sandbox
	client   *client.Client
	step     int
	short    bool  // the steps are lived through untold
	printing error // the first error of out
}

func (s *story) print(text string) {
	if _, err := io.WriteString(s.out, text); err != nil && s.printing == nil {
		s.printing = err
	}
}

// heading begins a step.
func (s *story) heading(title string) {
	if s.short {
		return
	}
	s.step++
	s.print(fmt.Sprintf("\n%d. %s\n", s.step, title))
}

// line says one thing: a word or two, and what they stand for.
func (s *story) line(what, format string, args ...any) {
	if s.short {
		return
	}
	s.print(fmt.Sprintf("   %-14s %s\n", what, fmt.Sprintf(format, args...)))
}

// tokens is the first step: what the key ceremony made.
func (s *story) tokens() error {
	s.heading("Five tokens are made, one for each signer")
	reports := s.box.Ceremony()
	if len(reports) != 5 {
		return fmt.Errorf("there are %d new tokens in place of 5", len(reports))
	}
	for _, report := range reports {
		if err := s.token(report); err != nil {
			return fmt.Errorf("token %s: %w", report.Token, err)
		}
	}
	s.line("", "The keys were made in the tokens. None of them can leave its token.")
	s.line("serving", "%s", s.box.URL())
	return nil
}

func (s *story) token(report hsm.KeyReport) error {
	roles := ""
	for i, key := range report.Keys {
		if !key.Created {
			return fmt.Errorf("its %s key was there before", key.Role)
		}
		if i > 0 {
			roles += ", "
		}
		roles += key.Role
	}
	s.line("token", "%s: keys for %s", report.Token, roles)
	for _, key := range report.Keys {
		for _, restriction := range key.NotEnforced {
			s.line("", "not enforced by this module, %s key: %s", key.Role, restriction)
		}
	}
	return nil
}
