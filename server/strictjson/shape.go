package strictjson

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// shape is what a Go type asks of the JSON value that is read into it. No shape, a
// nil pointer, asks for nothing: it stands for unknown members and for raw values.
type shape struct {
	kind     kind
	bits     int // size of an integer or natural
	nullable bool
	element  *shape            // of an array
	members  map[string]member // of an object, by folded name
	required []string          // names of an object's members, in the struct's order
}

// member is a known member of an object.
type member struct {
	name  string
	value *shape
}

type kind uint8

const (
	object kind = iota + 1
	array
	text
	boolean
	integer // signed
	natural // unsigned
)

// accepts tells whether a value that begins with the token may stand here.
func (s *shape) accepts(token jsontext.Token) bool {
	if s == nil || s.nullable && token.Kind() == jsontext.KindNull {
		return true
	}
	switch s.kind {
	case object:
		return token.Kind() == jsontext.KindBeginObject
	case array:
		return token.Kind() == jsontext.KindBeginArray
	case text:
		return token.Kind() == jsontext.KindString
	case boolean:
		return token.Kind() == jsontext.KindTrue || token.Kind() == jsontext.KindFalse
	default:
		return token.Kind() == jsontext.KindNumber && s.holds(token.String())
	}
}

// holds tells whether a number's literal is an integer of the shape's size, spelled
// in the one way that all parsers agree on: 1.0, 1e2 and -0 are floats to some.
func (s *shape) holds(literal string) bool {
	if literal == "-0" {
		return false
	}
	var err error
	if s.kind == natural {
		_, err = strconv.ParseUint(literal, 10, s.bits)
	} else {
		_, err = strconv.ParseInt(literal, 10, s.bits)
	}
	return err == nil
}

// wanted names what the shape accepts, for errors.
func (s *shape) wanted() string {
	switch s.kind {
	case object:
		return "an object"
	case array:
		return "an array"
	case text:
		return "a string"
	case boolean:
		return "true or false"
	case natural:
		return fmt.Sprintf("an unsigned integer of %d bits", s.bits)
	default:
		return fmt.Sprintf("a signed integer of %d bits", s.bits)
	}
}

// orNull is the shape that a pointer to s has.
func (s *shape) orNull() *shape {
	if s == nil {
		return nil
	}
	optional := *s
	optional.nullable = true
	return &optional
}

// notNull is the shape that s has as a required member, pointer or not.
func (s *shape) notNull() *shape {
	if s == nil {
		return nil
	}
	present := *s
	present.nullable = false
	return &present
}
