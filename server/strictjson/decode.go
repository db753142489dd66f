package strictjson

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
)

// errDisagree says that the library refused what was checked. Its own error is left
// out because it may quote a value.
var errDisagree = errors.New("the checked text was refused by the JSON library")

// Decode reads the one JSON object in data into the struct that into points to.
//
// The struct's exported fields are strings, booleans, integers of any size, slices
// and structs of such, pointers to such, or [jsontext.Value] for a value that is
// only checked. Each field has a json tag that names its member, without options
// that change how it is read; the tag `required:"true"` asks for its presence:
//
//	type exportBody struct {
//		EncryptionKey    string   `json:"encryptionKey" required:"true"`
//		SupportedSchemes []scheme `json:"supportedSchemes" required:"true"`
//		Name             *string  `json:"name"`
//	}
//
// Unknown members are allowed. Refused are, at every depth, members that appear
// twice or in two spellings that differ in case only (Unicode simple folding); a
// member that differs from a known one of its place in case only; null, except into
// a pointer that is not required and as part or all of a [jsontext.Value]; integers that do not
// fit, or that are spelled with a fraction, an exponent or as -0. Refused as a whole
// are texts that are not one object with nothing but white space around it, that are
// not valid UTF-8 or escape a lone surrogate, or that are nested deeper than 32
// levels. Decode neither limits the size of data nor keeps it.
//
// A text that is refused gives an [*Error]; a target that is not as described gives
// another error, whatever the text. Decode overwrites the whole struct on success
// and leaves it untouched otherwise.
func Decode(data []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decoding JSON into %T: not a pointer to a struct", into)
	}
	t := target.Type().Elem()
	want, err := knownShapeOf(t)
	if err != nil {
		return fmt.Errorf("decoding JSON into %T: %w", into, err)
	}
	if err := check(data, want); err != nil {
		return err
	}
	decoded := reflect.New(t)
	if err := json.Unmarshal(data, decoded.Interface()); err != nil {
		return fmt.Errorf("decoding JSON into %T: %w", into, errDisagree)
	}
	target.Elem().Set(decoded.Elem())
	return nil
}
