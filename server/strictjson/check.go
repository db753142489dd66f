package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// check reads a text from end to end and reports the first thing that is wrong with
// it: as JSON, as a text with one meaning, or as a value of the wanted shape.
func check(data []byte, want *shape) error {
	if !utf8.Valid(data) {
		return &Error{Problem: "is not valid UTF-8"}
	}
	// Duplicate names are left to the checker, which finds case variants as well.
	// The buffer lends data to the decoder instead of copying it; neither writes.
	c := checker{jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))}
	if err := c.value(want); err != nil {
		return err
	}
	switch _, err := c.ReadToken(); {
	case err == nil:
		return &Error{Problem: "must be one value only"}
	case !errors.Is(err, io.EOF):
		return malformed(err)
	}
	return nil
}

// checker walks through the tokens of a text, each of them once.
type checker struct{ *jsontext.Decoder }

func (c checker) value(want *shape) error {
	token, err := c.ReadToken()
	switch {
	case err != nil:
		return malformed(err)
	case c.StackDepth() > maxDepth:
		return &Error{Problem: fmt.Sprintf("is nested deeper than %d levels", maxDepth)}
	case !want.accepts(token):
		return c.fault("must be " + want.wanted())
	case token.Kind() == jsontext.KindBeginObject:
		return c.object(want)
	case token.Kind() == jsontext.KindBeginArray:
		return c.array(want)
	}
	return nil
}

func (c checker) array(want *shape) error {
	var element *shape
	if want != nil {
		element = want.element
	}
	for c.PeekKind() != jsontext.KindEndArray {
		if err := c.value(element); err != nil {
			return err
		}
	}
	return c.end()
}

func (c checker) object(want *shape) error {
	var known shape
	if want != nil {
		known = *want
	}
	seen := make(map[string]bool) // by folded name
	for c.PeekKind() != jsontext.KindEndObject {
		value, err := c.name(known.members, seen)
		if err != nil {
			return err
		}
		if err := c.value(value); err != nil {
			return err
		}
	}
	if err := c.end(); err != nil {
		return err
	}
	return c.complete(known.required, seen)
}

// name reads a member's name and returns the shape of the value that must follow.
func (c checker) name(known map[string]member, seen map[string]bool) (*shape, error) {
	token, err := c.ReadToken()
	if err != nil {
		return nil, malformed(err)
	}
	name := token.String()
	folded := fold(name)
	if seen[folded] {
		return nil, c.fault("appears twice, or in two spellings that differ in case only")
	}
	seen[folded] = true
	member, isKnown := known[folded]
	if isKnown && name != member.name {
		return nil, c.fault(fmt.Sprintf("must be spelled %q", member.name))
	}
	return member.value, nil
}

// complete reports the first required member that the object just read lacks.
func (c checker) complete(required []string, seen map[string]bool) error {
	for _, name := range required {
		if !seen[fold(name)] {
			path := strings.TrimPrefix(c.path()+"."+name, ".")
			return &Error{Member: shorten(path), Problem: "is missing"}
		}
	}
	return nil
}

// end reads the bracket that was peeked at.
func (c checker) end() error {
	if _, err := c.ReadToken(); err != nil {
		return malformed(err)
	}
	return nil
}

// fault blames the name or value that was read last.
func (c checker) fault(problem string) error {
	return &Error{Member: shorten(c.path()), Problem: problem}
}

// path returns the place of what was read last, as in "supportedSchemes[0].curve".
func (c checker) path() string {
	var path strings.Builder
	level := 0
	for token := range c.StackPointer().Tokens() {
		level++
		if token == "" {
			token = `""` // an empty name; an empty path stands for the whole text
		}
		switch kind, _ := c.StackIndex(level); {
		case kind == jsontext.KindBeginArray:
			path.WriteString("[" + token + "]")
		case level == 1:
			path.WriteString(token)
		default:
			path.WriteString("." + token)
		}
	}
	return path.String()
}
