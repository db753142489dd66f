package strictjson

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Equal tells whether two texts are the same JSON value, so that a client may sign
// one spelling of a request and send another, as the Python SDK does.
//
// Members may come in any order, and strings are compared by what they say, however
// they are escaped. Numbers are compared by their literals: 1, 1.0 and 1e0 are all
// different, as not everybody reads them as one. An empty text stands for an absent
// body and equals {}.
//
// The texts must be strict JSON, as [Decode] describes, but may be values of any
// kind; a text that is not gives an [*Error], also if both are the same bytes.
// Equal is not constant-time.
func Equal(a, b []byte) (bool, error) {
	canonicalA, err := canonical(a)
	if err != nil {
		return false, err
	}
	canonicalB, err := canonical(b)
	if err != nil {
		return false, err
	}
	return bytes.Equal(canonicalA, canonicalB), nil
}

// canonical returns the one spelling of a value: RFC 8785 (members sorted, no
// blanks, fewest escapes) except that numbers stay as they are.
func canonical(data []byte) (jsontext.Value, error) {
	if len(data) == 0 {
		return jsontext.Value("{}"), nil
	}
	if err := check(data, nil); err != nil {
		return nil, err
	}
	value := jsontext.Value(data).Clone()
	err := value.Format(
		jsontext.ReorderRawObjects(true),
		jsontext.PreserveRawStrings(false),
		jsontext.CanonicalizeRawInts(false),
		jsontext.CanonicalizeRawFloats(false),
	)
	if err != nil {
		return nil, fmt.Errorf("comparing JSON: %w", errDisagree)
	}
	return value, nil
}
