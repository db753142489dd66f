//go:build cgo

package test

import (
	"strings"
	"testing"
)

// jsonAttacks send bodies that parsers read differently, or not at all.
func jsonAttacks(t *testing.T, s *stage) []attack {
	init := func(body string) message { return post("/auth/action/init", body).by(s.alice) }
	good := `{"userActionPayload":"{}","userActionHttpMethod":"POST","userActionHttpPath":"/keys/import"}`
	with := func(member string) string { return strings.TrimSuffix(good, "}") + "," + member + "}" }
	rows := []attack{
		{"a good body", init(good), 200, legitimate},
		{"unknown members", init(with(`"__proto__":{"a":[1,2.5e400,null]},"é":"😀"`)), 200, legitimate},
		{"blanks around it", init(" \r\n\t" + good + "\n"), 200, legitimate},
	}
	rows = append(rows, each([]named{
		{"nothing", ""}, {"blanks", "  "}, {"a word", "hello"}, {"null", "null"}, {"true", "true"}, {"a number", "1"}, {"a text", `"x"`},
		{"an array", "[]"}, {"the body in an array", "[" + good + "]"}, {"an empty object", "{}"}, {"two values", good + good},
		{"text behind it", good + "x"}, {"a zero byte behind it", good + "\x00"}, {"an open end", good[:len(good)-1]},
		{"an open text", good[:30]}, {"a comma at its end", with("")}, {"a comment", good + "// x"}, {"a comment inside", with(`/**/"a":1`)},
		{"single quotes", strings.ReplaceAll(good, `"`, `'`)}, {"names without quotes", `{userActionPayload:""}`},
		{"a byte order mark", "\ufeff" + good}, {"UTF-16", utf16(good)}, {"UTF-16 of a fragment", utf16("{")},
		{"invalid UTF-8", with("\"a\":\"\xff\"")}, {"invalid UTF-8 in a name", with("\"\xc0\xaf\":1")},
		{"an overlong slash", with("\"a\":\"\xc0\xaf\"")}, {"a lone surrogate", with(`"a":"\ud800"`)},
		{"a surrogate in UTF-8", with("\"a\":\"\xed\xa0\x80\"")}, {"a line break in a text", with("\"a\":\"\n\"")},
		{"an unknown escape", with(`"a":"\x41"`)}, {"a member twice", with(`"userActionPayload":"x"`)},
		{"a member twice, once with an escape", with(`"userActionPayl\u006fad":"x"`)},
		{"a member in two spellings", with(`"useractionpayload":"x"`)}, {"an unknown member twice", with(`"a":1,"a":1`)},
		{"a member twice deep inside", with(`"a":[{"b":1,"b":2}]`)}, {"a name spelled with a long s", with(`"uſerActionPayload":"x"`)},
		{"a member in other case only", strings.Replace(good, "userActionPayload", "UserActionPayload", 1)},
		{"a member in snake case", strings.Replace(good, "userActionPayload", "user_action_payload", 1)},
		{"null for a text", strings.Replace(good, `"{}"`, "null", 1)}, {"a number for a text", strings.Replace(good, `"{}"`, "1", 1)},
		{"an object for a text", strings.Replace(good, `"{}"`, "{}", 1)}, {"an array for a text", strings.Replace(good, `"POST"`, `["POST"]`, 1)},
		{"not a number", with(`"a":NaN`)}, {"infinity", with(`"a":-Infinity`)}, {"a number in hex", with(`"a":0x10`)},
		{"a leading zero", with(`"a":01`)}, {"a leading plus", with(`"a":+1`)}, {"a bare fraction", with(`"a":.5`)},
		{"33 levels", with(`"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32))},
		{"100000 open arrays", with(`"a":` + strings.Repeat("[", 100_000))}, {"20000 open objects", strings.Repeat(`{"a":`, 20_000)},
	}, 400, "request.malformed", init)...)
	return append(rows, contentAttacks(s, good)...)
}

func utf16(ascii string) string {
	var b strings.Builder
	for _, c := range []byte(ascii) {
		b.Write([]byte{0, c})
	}
	return b.String()
}

// contentAttacks say of a good body that it is something else.
func contentAttacks(s *stage, good string) []attack {
	untyped := post("/auth/action/init", good).by(s.alice).without("Content-Type")
	typed := func(header string) message { return untyped.with(header) }
	rows := []attack{
		{"its type with parameters", typed(`Content-Type: Application/JSON; charset="UTF-8"`), 200, legitimate},
		{"no type", untyped, 415, "body.media-type"},
		{"its type twice", typed("Content-Type: application/json").with("Content-Type: application/json"), 415, "body.media-type"},
		{"compressed", typed("Content-Type: application/json").with("Content-Encoding: gzip"), 415, "body.encoding"},
		{"compressed twice", typed("Content-Type: application/json").with("Content-Encoding: identity, gzip"), 415, "body.encoding"},
		{"compressed in a second header", typed("Content-Type: application/json").with("Content-Encoding: identity").with("Content-Encoding: br"), 415, "body.encoding"},
	}
	return append(rows, each([]named{
		{"an empty type", ""}, {"text", "text/plain"}, {"a form", "application/x-www-form-urlencoded"}, {"XML", "application/xml"},
		{"a multipart form", "multipart/form-data; boundary=x"}, {"two types", "application/json, text/plain"},
		{"another type that ends in JSON", "application/problem+json"}, {"JSON in UTF-16", "application/json; charset=utf-16"},
		{"JSON in UTF-7", "application/json; charset=utf-7"}, {"a parameter twice", "application/json; charset=utf-8; charset=utf-16"},
	}, 415, "body.media-type", func(kind string) message { return typed("Content-Type: " + kind) })...)
}
