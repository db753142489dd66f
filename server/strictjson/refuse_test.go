package strictjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// expectRefusal checks the exact text that the sender is shown.
func expectRefusal(t *testing.T, text string, into any, want string) {
	t.Helper()
	err := Decode([]byte(text), into)
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("%.80q: got %v, not an *Error", text, err)
	} else if err.Error() != want {
		t.Errorf("%.80q: got %q, want %q", text, err, want)
	}
}

const twice = "appears twice, or in two spellings that differ in case only"

func TestDecodeRefusesMalformedTexts(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "the JSON text ends too early",
		" \n":                        "the JSON text ends too early",
		`{`:                          "the JSON text ends too early",
		`{"encryptionKey":"k`:        "the JSON text ends too early",
		with(`"x":[1`)[:48]:          "the JSON text ends too early",
		with(`"count":1`) + `{}`:     "the JSON text must be one value only",
		with(`"count":1`) + ` 1`:     "the JSON text must be one value only",
		with(`"count":1`) + `,`:      "the JSON text is malformed at byte 53",
		with(`"count":1`) + "\x00":   "the JSON text is malformed at byte 53",
		with(`"count":1`) + "\v":     "the JSON text is malformed at byte 53",
		"\ufeff{}":                   "the JSON text is malformed at byte 0",
		with(`"count":1`) + "\u00a0": "the JSON text is malformed at byte 53",
		`{'a':1}`:                    "the JSON text is malformed at byte 1",
		`{a:1}`:                      "the JSON text is malformed at byte 1",
		`{"x":1,}`:                   "the JSON text is malformed at byte 6",
		`{"x":[1,]}`:                 "the JSON text is malformed at byte 7",
		`{"x" 1}`:                    "the JSON text is malformed at byte 5",
		`{"x":1 "y":2}`:              "the JSON text is malformed at byte 7",
		`{"x":[1}`:                   "the JSON text is malformed at byte 7",
		`{"x":01}`:                   "the JSON text is malformed at byte 6",
		`{"x":+1}`:                   "the JSON text is malformed at byte 5",
		`{"x":.5}`:                   "the JSON text is malformed at byte 5",
		`{"x":NaN}`:                  "the JSON text is malformed at byte 5",
		`{"x":Infinity}`:             "the JSON text is malformed at byte 5",
		`{"x":True}`:                 "the JSON text is malformed at byte 5",
		`{"x":"` + "\n" + `"}`:       "the JSON text is malformed at byte 6",
		`{"x":"\q"}`:                 "the JSON text is malformed at byte 6",
		`{"x":1 /* c */}`:            "the JSON text is malformed at byte 7",
		`{1:2}`:                      "the JSON text is malformed at byte 1",
		`{null:2}`:                   "the JSON text is malformed at byte 1",
		`{"x":"\ud800"}`:             "the JSON text is malformed at byte 6",
		`{"x":"\udc00\ud800"}`:       "the JSON text is malformed at byte 6",
		`{"x":"\ud800\u0041"}`:       "the JSON text is malformed at byte 6",
		`{"\udfff":1}`:               "the JSON text is malformed at byte 2",
		"{\"x\":\"\xff\"}":           "the JSON text is not valid UTF-8",
		"{\"\xc0\xaf\":1}":           "the JSON text is not valid UTF-8",
		"{\"x\":\"\xed\xa0\x80\"}":   "the JSON text is not valid UTF-8",
	} {
		expectRefusal(t, text, &testBody{}, want)
	}
}

func TestDecodeRefusesTopLevelsThatAreNoObject(t *testing.T) {
	for _, text := range []string{`[]`, `[{}]`, `"{}"`, `1`, `true`, `null`, `[[[`} {
		expectRefusal(t, text, &testBody{}, "the JSON text must be an object")
	}
}

func TestDecodeRefusesDuplicateMembersAtEveryDepth(t *testing.T) {
	for members, path := range map[string]string{
		`"encryptionKey":"k"`:                            "encryptionKey",
		`"encryption\u004bey":"k"`:                       "encryptionKey",
		`"EncryptionKey":"k"`:                            "EncryptionKey",
		`"x":1,"x":1`:                                    "x",
		`"x":1,"X":2`:                                    "X",
		`"\u017f":1,"s":2`:                               "s",
		`"":1,"":2`:                                      `""`,
		`"":{"a":[{"":1,"":2}]}`:                         `"".a[0].""`,
		`"kk":1,"\u212ak":2`:                             "\u212ak",
		`"Σ":1,"ς":2`:                                    "ς",
		`"raw":{"a":[{"b":1,"B":2}]}`:                    "raw.a[0].B",
		`"unknown":[[],[0,{"b":1,"b":1}]]`:               "unknown[1][1].b",
		`"parent":{"protocol":"","curve":"","curve":""}`: "parent.curve",
	} {
		expectRefusal(t, with(members), &testBody{}, fmt.Sprintf("member %+q %s", path, twice))
	}
}

func TestDecodeRefusesCaseVariantsOfKnownMembers(t *testing.T) {
	for members, want := range map[string]string{
		`"Name":"x"`:                          `member "Name" must be spelled "name"`,
		`"NAME":null`:                         `member "NAME" must be spelled "name"`,
		`"\u004eame":"x"`:                     `member "Name" must be spelled "name"`,
		`"min\u017figners":1`:                 `member "min\u017figners" must be spelled "minSigners"`,
		`"master\u212aey":true`:               `member "master\u212aey" must be spelled "masterKey"`,
		`"parent":{"Protocol":"","curve":""}`: `member "parent.Protocol" must be spelled "protocol"`,
	} {
		expectRefusal(t, with(members), &testBody{}, want)
	}
	var got testBody
	if err := Decode([]byte(with(`"unknown":{"Name":1,"Protocol":2},"Curve":3`)), &got); err != nil {
		t.Errorf("a name was refused where it is not known: %v", err)
	}
}

func TestDecodeRefusesWrongKinds(t *testing.T) {
	for members, want := range map[string]string{
		`"name":1`:                               `member "name" must be a string`,
		`"name":{"a":1}`:                         `member "name" must be a string`,
		`"name":["a"]`:                           `member "name" must be a string`,
		`"masterKey":"true"`:                     `member "masterKey" must be true or false`,
		`"masterKey":1`:                          `member "masterKey" must be true or false`,
		`"masterKey":null`:                       `member "masterKey" must be true or false`,
		`"minSigners":null`:                      `member "minSigners" must be a signed integer of 64 bits`,
		`"minSigners":"3"`:                       `member "minSigners" must be a signed integer of 64 bits`,
		`"minSigners":3.0`:                       `member "minSigners" must be a signed integer of 64 bits`,
		`"minSigners":3e0`:                       `member "minSigners" must be a signed integer of 64 bits`,
		`"minSigners":-0`:                        `member "minSigners" must be a signed integer of 64 bits`,
		`"minSigners":9223372036854775808`:       `member "minSigners" must be a signed integer of 64 bits`,
		`"small":128`:                            `member "small" must be a signed integer of 8 bits`,
		`"small":-129`:                           `member "small" must be a signed integer of 8 bits`,
		`"count":-1`:                             `member "count" must be an unsigned integer of 32 bits`,
		`"count":-0`:                             `member "count" must be an unsigned integer of 32 bits`,
		`"count":4294967296`:                     `member "count" must be an unsigned integer of 32 bits`,
		`"parent":[]`:                            `member "parent" must be an object`,
		`"parent":{"curve":"c","protocol":null}`: `member "parent.protocol" must be a string`,
	} {
		expectRefusal(t, with(members), &testBody{}, want)
	}
	for schemes, want := range map[string]string{
		`null`:                                `member "supportedSchemes" must be an array`,
		`{}`:                                  `member "supportedSchemes" must be an array`,
		`[{"protocol":"p","curve":"c"},null]`: `member "supportedSchemes[1]" must be an object`,
		`[{"protocol":"p","curve":"c"},[]]`:   `member "supportedSchemes[1]" must be an object`,
		`[{"protocol":"p","curve":"c"},{"curve":"c"}]`:             `member "supportedSchemes[1].protocol" is missing`,
		`[{"protocol":"p","curve":"c"},{"protocol":"","curve":1}]`: `member "supportedSchemes[1].curve" must be a string`,
	} {
		expectRefusal(t, `{"encryptionKey":"k","supportedSchemes":`+schemes+`}`, &testBody{}, want)
	}
}

func TestDecodeNamesMissingMembers(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                     `member "encryptionKey" is missing`,
		`{"encryptionKey":""}`:   `member "supportedSchemes" is missing`,
		`{"encryption_key":"k"}`: `member "encryptionKey" is missing`,
		with(`"parent":{}`):      `member "parent.protocol" is missing`,
	} {
		expectRefusal(t, text, &testBody{}, want)
	}
}

func TestDecodeLimitsDepth(t *testing.T) {
	nested := func(open, end string, levels int) string {
		return with(`"x":` + strings.Repeat(open, levels) + "1" + strings.Repeat(end, levels))
	}
	for _, bracket := range [][2]string{{`[`, `]`}, {`{"a":`, `}`}} {
		if err := Decode([]byte(nested(bracket[0], bracket[1], maxDepth-1)), &testBody{}); err != nil {
			t.Errorf("%s: %d levels: %v", bracket[0], maxDepth, err)
		}
		for _, levels := range []int{maxDepth, 100_000} {
			expectRefusal(t, nested(bracket[0], bracket[1], levels), &testBody{}, "the JSON text is nested deeper than 32 levels")
		}
	}
}
