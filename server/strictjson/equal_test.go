package strictjson

import (
	"errors"
	"testing"
)

func expectEqual(t *testing.T, a, b string, want bool) {
	t.Helper()
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		got, err := Equal([]byte(pair[0]), []byte(pair[1]))
		if err != nil || got != want {
			t.Errorf("%q and %q: got %v, %v; want %v", pair[0], pair[1], got, err, want)
		}
	}
}

// What the SDKs sign and what they send, for one request whose name needs escapes.
func TestEqualHoldsBetweenWhatEachSDKSignsAndSends(t *testing.T) {
	const (
		stringify     = `{"name":"é <b> & 😀","minSigners":3,"encryptedKeyShares":[{"signerId":"q+/=","encryptedKeyShare":"AA=="}]}`
		goMarshal     = `{"name":"é \u003cb\u003e \u0026 😀","minSigners":3,"encryptedKeyShares":[{"signerId":"q+/=","encryptedKeyShare":"AA=="}]}`
		pythonCompact = `{"name":"\u00e9 <b> & \ud83d\ude00","minSigners":3,"encryptedKeyShares":[{"signerId":"q+/=","encryptedKeyShare":"AA=="}]}`
		pythonSpaced  = `{"name": "\u00e9 <b> & \ud83d\ude00", "minSigners": 3, "encryptedKeyShares": [{"signerId": "q+/=", "encryptedKeyShare": "AA=="}]}`
		sorted        = `{"encryptedKeyShares":[{"encryptedKeyShare":"AA==","signerId":"q+/="}],"minSigners":3,"name":"é <b> & 😀"}`
	)
	spellings := []string{stringify, goMarshal, pythonCompact, pythonSpaced, sorted}
	for _, signed := range spellings {
		for _, sent := range spellings {
			expectEqual(t, signed, sent, true)
		}
	}
}

func TestEqualTakesAnAbsentBodyForAnEmptyObject(t *testing.T) {
	expectEqual(t, "", "", true)
	expectEqual(t, "", "{}", true)
	expectEqual(t, "", " { }\n", true)
	for _, other := range []string{"null", "[]", `""`, "0", "false", `{"a":null}`, `{"":{}}`} {
		expectEqual(t, "", other, false)
	}
}

func TestEqualComparesStringsByWhatTheySay(t *testing.T) {
	expectEqual(t, `{"a":"\/\u0041\u000a\t"}`, `{"\u0061":"/A\n\u0009"}`, true)
	expectEqual(t, `["\ud83d\ude00"]`, `["😀"]`, true)
	expectEqual(t, `["\u2028\u007f"]`, "[\"\u2028\x7f\"]", true)
	expectEqual(t, `["é"]`, `["e\u0301"]`, false) // no Unicode normalisation
	expectEqual(t, `["a"]`, `["A"]`, false)
	expectEqual(t, `["a"]`, `["a "]`, false)
	expectEqual(t, `["\\u0041"]`, `["A"]`, false)
	expectEqual(t, `["a\u0000b"]`, `["a"]`, false)
}

func TestEqualComparesNumbersByLiteral(t *testing.T) {
	expectEqual(t, `[1,-2.50,3E+7]`, ` [ 1 , -2.50 , 3E+7 ] `, true)
	for _, pair := range [][2]string{
		{"1", "1.0"}, {"1", "1e0"}, {"1e2", "1E2"}, {"100", "1e2"}, {"0", "-0"}, {"1", `"1"`},
		{"9007199254740993", "9007199254740992"}, {"1e999", "1e998"}, {"0.1", "0.10000000000000001"},
	} {
		expectEqual(t, pair[0], pair[1], false)
		expectEqual(t, `{"a":[`+pair[0]+`]}`, `{"a":[`+pair[1]+`]}`, false)
	}
}

func TestEqualMindsTheOrderOfElementsOnly(t *testing.T) {
	expectEqual(t, `{"b":{"d":1,"c":2},"a":[{"y":1,"x":2}]}`, `{"a":[{"x":2,"y":1}],"b":{"c":2,"d":1}}`, true)
	expectEqual(t, `[1,2]`, `[2,1]`, false)
	expectEqual(t, `{"a":1,"b":2}`, `{"a":2,"b":1}`, false)
}

func TestEqualSeesEveryDifference(t *testing.T) {
	for _, pair := range [][2]string{
		{`{"a":1}`, `{"A":1}`},
		{`{"a":1}`, `{"a":1,"b":null}`},
		{`{"a":null}`, `{}`},
		{`{"a":[]}`, `{"a":{}}`},
		{`{"a":[[1],2]}`, `{"a":[1,[2]]}`},
		{`{"a":{"b":1}}`, `{"a":{},"b":1}`},
		{`{"a":true}`, `{"a":"true"}`},
		{`{"a":"","b":""}`, `{"a":"\",\"b\":\""}`},
	} {
		expectEqual(t, pair[0], pair[1], false)
	}
}

func TestEqualRefusesWhatIsNotStrictEvenAgainstItself(t *testing.T) {
	for _, text := range []string{
		" ", `{`, `{}{}`, `{"a":1,"a":1}`, `{"a":1,"A":1}`, `{"x":[{"s":1,"ſ":1}]}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", "\ufeff{}",
	} {
		for _, pair := range [][2]string{{text, text}, {text, "{}"}, {"{}", text}} {
			same, err := Equal([]byte(pair[0]), []byte(pair[1]))
			if _, ok := errors.AsType[*Error](err); !ok || same {
				t.Errorf("%q: got %v, %v", pair, same, err)
			}
		}
	}
}

func TestEqualLeavesItsInputsAlone(t *testing.T) {
	const text = `{ "b":1, "a":"\u0041" }`
	a, b := []byte(text), []byte(text)
	if same, err := Equal(a, b); err != nil || !same {
		t.Fatal(same, err)
	}
	if string(a) != text || string(b) != text {
		t.Error("an input was changed")
	}
}
