package strictjson

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// shapes has the shape of each type that was decoded into. A program has a few such
// types, and a shape depends on nothing else and is never changed: making it anew takes
// longer than reading a text of usual size.
var shapes sync.Map // of *shape by reflect.Type

// knownShapeOf is shapeOf, once for each type. Types that are errors are not kept.
func knownShapeOf(t reflect.Type) (*shape, error) {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape), nil
	}
	made, err := shapeOf(t)
	if err != nil {
		return nil, err
	}
	shapes.Store(t, made)
	return made, nil
}

// shapeOf derives the shape of a type. The types that contain it are given so that a
// recursive type is found out. Types that [Decode] does not document are errors: the
// two JSON libraries read them differently, or they read themselves.
func shapeOf(t reflect.Type, within ...reflect.Type) (*shape, error) {
	if slices.Contains(within, t) {
		return nil, fmt.Errorf("type %s is recursive", t)
	}
	within = append(slices.Clip(within), t)
	switch {
	case t == reflect.TypeFor[jsontext.Value]():
		return nil, nil
	case t.Kind() == reflect.Pointer:
		pointed, err := shapeOf(t.Elem(), within...)
		return pointed.orNull(), err
	case readsItself(t):
		return nil, fmt.Errorf("type %s reads JSON by itself", t)
	}
	switch t.Kind() {
	case reflect.String:
		return &shape{kind: text}, nil
	case reflect.Bool:
		return &shape{kind: boolean}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &shape{kind: integer, bits: t.Bits()}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &shape{kind: natural, bits: t.Bits()}, nil
	case reflect.Slice:
		return arrayOf(t.Elem(), within)
	case reflect.Struct:
		return objectOf(t, within)
	default:
		return nil, fmt.Errorf("type %s is not supported", t)
	}
}

// readsItself tells whether the libraries would call a method of the type, so that
// its fields say nothing about what it accepts.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[json.UnmarshalerFrom]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func arrayOf(elem reflect.Type, within []reflect.Type) (*shape, error) {
	if elem.Kind() == reflect.Uint8 {
		return nil, errors.New("byte slices are not supported: read a string and parse it")
	}
	element, err := shapeOf(elem, within...)
	if err != nil {
		return nil, err
	}
	return &shape{kind: array, element: element}, nil
}

func objectOf(t reflect.Type, within []reflect.Type) (*shape, error) {
	s := &shape{kind: object, members: make(map[string]member)}
	for field := range t.Fields() {
		if field.Tag.Get("json") == "-" || !field.IsExported() && !field.Anonymous {
			continue
		}
		if err := s.add(field, within); err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", field.Name, t, err)
		}
	}
	return s, nil
}

// add makes a struct's field a known member.
func (s *shape) add(field reflect.StructField, within []reflect.Type) error {
	name, err := memberName(field)
	if err != nil {
		return err
	}
	if _, taken := s.members[fold(name)]; taken {
		return fmt.Errorf("name %q is taken", name)
	}
	value, err := shapeOf(field.Type, within...)
	if err != nil {
		return err
	}
	switch field.Tag.Get("required") {
	case "":
	case "true":
		s.required = append(s.required, name)
		value = value.notNull()
	default:
		return errors.New(`tag required must be "true" or left out`)
	}
	s.members[fold(name)] = member{name: name, value: value}
	return nil
}

// memberName returns the name in the field's tag. Tags may hold no option that
// changes how a value is read.
func memberName(field reflect.StructField) (string, error) {
	if field.Anonymous {
		return "", errors.New("embedded fields are not supported")
	}
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		return "", errors.New("the json tag gives no name")
	}
	for option := range strings.SplitSeq(options, ",") {
		if !slices.Contains([]string{"", "omitempty", "omitzero"}, option) {
			return "", fmt.Errorf("option %q is not supported", option)
		}
	}
	return name, nil
}
