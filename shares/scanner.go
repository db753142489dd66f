package shares

import (
	"fmt"
	"unicode/utf8"
)

// Limits of a plaintext. A real one has 232 bytes, or about 170 for each signer.
const (
	maxPlaintext = 64 << 10
	maxNesting   = 16 // inside members that are skipped
)

// scanner reads JSON (RFC 8259) where it stands, in locked memory, and copies
// nothing out of it. Its errors never quote the text.
//
// It is strict where two readers could differ: known members exactly once, no
// escapes in names nor in the strings it returns, valid UTF-8, nothing after the
// value. Unknown members are checked for syntax and skipped.
type scanner struct {
	text []byte
	at   int
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrPlaintext, why) }

// document reads the one value that the whole text of a plaintext is.
func document(text []byte, value func(s *scanner) error) error {
	if len(text) > maxPlaintext {
		return malformed("too long")
	}
	return longDocument(text, value)
}

// longDocument is document for texts that the caller has bounded.
func longDocument(text []byte, value func(s *scanner) error) error {
	if !utf8.Valid(text) {
		return malformed("not UTF-8")
	}
	s := &scanner{text: text}
	if err := value(s); err != nil {
		return err
	}
	s.space()
	if s.at != len(s.text) {
		return malformed("something follows the value")
	}
	return nil
}

// members reads an object that has each of the known members exactly once, in any
// order.
func (s *scanner) members(known map[string]func() error) error {
	seen := make(map[string]bool, len(known))
	err := s.object(func(name []byte) error {
		read, ok := known[string(name)]
		if !ok {
			return s.skip(1)
		}
		if seen[string(name)] {
			return malformed("a member occurs twice")
		}
		seen[string(name)] = true
		return read()
	})
	if err == nil && len(seen) != len(known) {
		return malformed("a member is missing")
	}
	return err
}

// only reads an object that has known members only, each at most once, and returns which.
func (s *scanner) only(known map[string]func() error) (seen map[string]bool, err error) {
	seen = make(map[string]bool, len(known))
	return seen, s.object(func(name []byte) error {
		read, ok := known[string(name)]
		if !ok {
			return malformed("an unknown member")
		}
		if seen[string(name)] {
			return malformed("a member occurs twice")
		}
		seen[string(name)] = true
		return read()
	})
}

func (s *scanner) object(member func(name []byte) error) error {
	return s.list('{', '}', func() error {
		name, err := s.plainString()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return malformed("no colon after a name")
		}
		return member(name)
	})
}

func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

func (s *scanner) list(open, end byte, item func() error) error {
	if !s.take(open) {
		return malformed("another kind of value expected")
	}
	if s.take(end) {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.take(end) {
			return nil
		}
		if !s.take(',') {
			return malformed("no comma between two items")
		}
	}
}

// take skips white space and then c, if it is there.
func (s *scanner) take(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}
