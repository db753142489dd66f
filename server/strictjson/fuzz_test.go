package strictjson

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// acceptedSeeds are texts that Decode takes as a testBody.
var acceptedSeeds = []string{
	`{"encryptionKey":"AQ==","supportedSchemes":[{"protocol":"CGGMP21","curve":"secp256k1"}]}`,
	`{"encryptionKey": "AQ==", "supportedSchemes": [{"protocol": "FROST", "curve": "ed25519"}], "minSigners": 3}`,
	`{"encryptionKey":"\u003c\u00e9\ud83d\ude00é😀","supportedSchemes":[],"name":null,"parent":null,"raw":null}`,
	`{"supportedSchemes":[],"encryptionKey":"","minSigners":-9223372036854775808,"small":-128,"count":4294967295}`,
	with(`"masterKey":true,"name":"\u0000\"\\\/","parent":{"curve":"","protocol":""},"raw":{ "b" : [1.50, "\u0041"] }`),
	with(`"unknown":[[{"Name":{"":-0}}],1e999,"\u2028"],"_name":1,"name_":2,"raw":"x"`),
}

// refusedSeeds are texts that Decode refuses, each for another reason.
var refusedSeeds = []string{
	``, `{}`, `[]`, `{"a":1}{}`, "\ufeff{}", with(`"x":"\ud800"`), with("\"x\":\"\xff\""), with(`"x":1,"X":1`),
	with(`"Name":"x"`), with(`"minſigners":1`), with(`"name":1`), with(`"count":-0`), with(`"small":1e0`), with(`"masterKey":null`),
	`{"encryptionKey":"a","supportedSchemes":[null]}`,
}

func addSeeds(f *testing.F) {
	for _, seed := range append(acceptedSeeds, refusedSeeds...) {
		f.Add([]byte(seed))
	}
}

func TestFuzzSeedsReachBothAnswers(t *testing.T) {
	if len(acceptedSeeds) == 0 || len(refusedSeeds) == 0 {
		t.Fatal("there are no seeds")
	}
	for _, seed := range acceptedSeeds {
		if err := Decode([]byte(seed), &testBody{}); err != nil {
			t.Errorf("%q: %v", seed, err)
		}
	}
	for _, seed := range refusedSeeds {
		if err := Decode([]byte(seed), &testBody{}); err == nil {
			t.Errorf("%q is accepted", seed)
		}
	}
}

// FuzzDecodeAgreesWithTheStandardLibrary looks for a text that two parsers read
// differently although Decode lets it pass.
func FuzzDecodeAgreesWithTheStandardLibrary(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var ours, theirs testBody
		if err := Decode(data, &ours); err != nil {
			if !reflect.DeepEqual(ours, testBody{}) {
				t.Fatalf("half done: %+v", ours)
			}
			return
		}
		if err := stdjson.Unmarshal(data, &theirs); err != nil {
			t.Fatalf("the standard library refuses: %v", err)
		}
		if diff := cmp.Diff(ours, theirs, cmp.AllowUnexported(testBody{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzDecodeAgreesWithItself checks that a body survives another program's encoder.
func FuzzDecodeAgreesWithItself(f *testing.F) {
	addSeeds(f)
	rawByValue := cmp.Comparer(func(a, b jsontext.Value) bool {
		same, err := Equal(a, b)
		return err == nil && same
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		var once, again testBody
		if Decode(data, &once) != nil {
			return
		}
		encoded, err := stdjson.Marshal(once)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(encoded, &again); err != nil {
			t.Fatalf("%s is refused: %v", encoded, err)
		}
		if diff := cmp.Diff(once, again, cmp.AllowUnexported(testBody{}), rawByValue); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzEqualHoldsForEverySpelling blanks and escapes a text as other encoders do.
func FuzzEqualHoldsForEverySpelling(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		same, err := Equal(data, data)
		if err != nil || len(data) == 0 {
			return
		}
		if !same {
			t.Fatal("a text differs from itself")
		}
		for _, spelling := range [][]byte{pythonSpelling(t, data), goSpelling(t, data), indented(t, data)} {
			expectEqual(t, string(data), string(spelling), true)
		}
		expectEqual(t, string(data), "["+string(data)+"]", false)
	})
}

// FuzzEqualAgreesWithTheStandardLibrary compares Equal with a comparison of the
// trees that the standard library makes of both texts.
func FuzzEqualAgreesWithTheStandardLibrary(f *testing.F) {
	for _, a := range acceptedSeeds {
		for _, b := range acceptedSeeds {
			f.Add([]byte(a), []byte(b))
		}
	}
	f.Add([]byte(`{"a":1,"b":[2]}`), []byte(`{"b":[2],"\u0061":1}`))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1.0}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		same, err := Equal(a, b)
		if err != nil || len(a) == 0 || len(b) == 0 {
			return
		}
		if want := reflect.DeepEqual(standardTree(t, a), standardTree(t, b)); same != want {
			t.Fatalf("%q and %q: got %v, want %v", a, b, same, want)
		}
		expectEqual(t, string(b), string(a), same)
	})
}

func standardTree(t *testing.T, data []byte) any {
	t.Helper()
	decoder := stdjson.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// pythonSpelling is json.dumps with its defaults: blanks after separators, and all
// that is not ASCII escaped.
func pythonSpelling(t *testing.T, data []byte) []byte {
	t.Helper()
	spaced, err := jsontext.AppendFormat(nil, data, jsontext.SpaceAfterColon(true), jsontext.SpaceAfterComma(true))
	if err != nil {
		t.Fatal(err)
	}
	var escaped strings.Builder
	for _, r := range string(spaced) {
		switch {
		case r < 0x80:
			escaped.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&escaped, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&escaped, `\u%04x\u%04x`, high, low)
		}
	}
	return []byte(escaped.String())
}

// goSpelling is json.Marshal of a tree: members sorted, <, > and & escaped.
func goSpelling(t *testing.T, data []byte) []byte {
	t.Helper()
	encoded, err := stdjson.Marshal(standardTree(t, data))
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func indented(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := stdjson.Indent(&out, data, "\t", "\r\n "); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
