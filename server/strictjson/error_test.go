package strictjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestErrorsNeverRepeatValues(t *testing.T) {
	for _, text := range []string{
		with(`"count":"hunter2"`), with(`"masterKey":31337`), with(`"name":31337`), with(`"small":31337`),
		with(`"name":"hunter2\q"`), with(`"name":"hunter2` + "\x01" + `"`), with(`"name":hunter2`), with(`"name":"hunter2\ud800"`),
		with(`"name":["hunter2"]`), `"hunter2"`, `{"hunter2`, with(`"name":"x"`) + `hunter2`, with(`"name":"x"`) + `"hunter2"`,
	} {
		err := Decode([]byte(text), &testBody{})
		if err == nil || strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "31337") {
			t.Errorf("%s: got %v", text, err)
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			if strings.Contains(cause.Error(), "hunter") {
				t.Errorf("%s: the chain has %v", text, cause)
			}
		}
	}
}

func TestErrorsShortenLongPaths(t *testing.T) {
	name := strings.Repeat("é", 1<<16)
	err := Decode(fmt.Appendf(nil, `{"x":{%q:1,%[1]q:2}}`, name), &testBody{})
	refusal, ok := errors.AsType[*Error](err)
	if !ok || len(refusal.Member) > maxPath+len("...") || !strings.HasPrefix(refusal.Member, "x.éé") {
		t.Errorf("got %.300v", err)
	}
	if strings.Contains(err.Error(), `\ufffd`) || strings.Contains(err.Error(), `\x`) {
		t.Errorf("a rune was cut: %v", err)
	}
}
