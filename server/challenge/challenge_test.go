package challenge

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	issued  = time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)
	request = Request{Method: "POST", Path: "/keys/key-1/export", Payload: `{"encryptionKey":"x"}`}
)

func newInput(t *testing.T) Input {
	t.Helper()
	in, err := New("test", "or-1", "us-1", request, issued, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// The layout of docs/protocol.md, written out by hand.
func TestEncodingIsTheDocumentedOne(t *testing.T) {
	in := Input{
		Label: Label, Deployment: "d", Organisation: "or", User: "us", Nonce: Bytes{1}, IssuedAt: 258, ExpiresAt: 259,
		Method: "POST", Path: "/k", PayloadHash: Bytes{2},
	}
	zeros := strings.Repeat("\x00", 31)
	want := "\x00\x00\x00\x17keyferry user action v1" + "\x00\x00\x00\x01d" + "\x00\x00\x00\x02or" + "\x00\x00\x00\x02us" +
		"\x00\x00\x00\x20\x01" + zeros +
		"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x01\x02" + "\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x01\x03" +
		"\x00\x00\x00\x04POST" + "\x00\x00\x00\x02/k" + "\x00\x00\x00\x20\x02" + zeros
	if got := in.Encode(); string(got) != want {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	sum := sha256.Sum256([]byte(want))
	if got := in.Challenge(); got != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("challenge %s", got)
	}
}

// What fits onto the stack, and what does not.
func TestHashesAreOfTheWholeTextHoweverLong(t *testing.T) {
	in := newInput(t)
	for _, length := range []int{0, 300, 511, 512, 513, 5000} {
		in.User = strings.Repeat("u", length)
		if in.Hash() != sha256.Sum256(in.Encode()) {
			t.Errorf("a user of %d bytes has another hash than the encoding", length)
		}
		if HashPayload(in.User) != sha256.Sum256([]byte(in.User)) {
			t.Errorf("a payload of %d bytes has another hash", length)
		}
	}
}

// Changing any single field, text moved over a border included, changes the challenge.
func TestEveryFieldChangesTheChallenge(t *testing.T) {
	in := newInput(t)
	value := reflect.ValueOf(&in).Elem()
	for i := range value.NumField() {
		changed := in
		switch field := reflect.ValueOf(&changed).Elem().Field(i); field.Kind() {
		case reflect.String:
			field.SetString(field.String() + "x")
		case reflect.Int64:
			field.SetInt(field.Int() + 1)
		case reflect.Array:
			field.Index(31).SetUint(field.Index(31).Uint() ^ 1)
		default:
			t.Fatalf("no change for field %s", value.Type().Field(i).Name)
		}
		if changed.Challenge() == in.Challenge() {
			t.Errorf("%s does not enter the challenge", value.Type().Field(i).Name)
		}
	}
	moved := in
	moved.Organisation, moved.User = in.Organisation+"u", in.User[1:]
	if bytes.Equal(moved.Encode(), in.Encode()) {
		t.Error("fields run into each other")
	}
}

func TestNoncesAreFresh(t *testing.T) {
	first, second := newInput(t), newInput(t)
	if first.Nonce == second.Nonce {
		t.Error("two actions share a nonce")
	}
}

func TestInputSurvivesJSON(t *testing.T) {
	in := newInput(t)
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back Input
	if err := json.Unmarshal(text, &back); err != nil || back != in {
		t.Errorf("%s came back as %+v, %v", text, back, err)
	}
	if back.IssuedAt.Time() != issued.Truncate(time.Millisecond) {
		t.Errorf("issued at %v", back.IssuedAt.Time())
	}
}

func TestBytesAreReadInOneFormOnly(t *testing.T) {
	var b Bytes
	for _, text := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("AB", 32), strings.Repeat("zz", 32)} {
		if b.UnmarshalText([]byte(text)) == nil {
			t.Errorf("read %q", text)
		}
	}
}

func TestBindsOnlyItsOwnRequest(t *testing.T) {
	in := newInput(t)
	if err := in.Binds(request); err != nil {
		t.Fatal(err)
	}
	otherLabel := in
	otherLabel.Label = "keyferry user action v2"
	for name, err := range map[string]error{
		"method":  in.Binds(Request{"PUT", request.Path, request.Payload}),
		"path":    in.Binds(Request{"POST", "/keys/key-2/export", request.Payload}),
		"payload": in.Binds(Request{"POST", request.Path, request.Payload + " "}),
		"label":   otherLabel.Binds(request),
	} {
		if !errors.Is(err, ErrOtherRequest) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestWindowIsBounded(t *testing.T) {
	for _, window := range []time.Duration{0, -time.Second, MaxWindow + time.Millisecond} {
		if _, err := New("d", "o", "u", request, issued, window); err == nil {
			t.Errorf("made an action for %v", window)
		}
	}
}

func TestNormalPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/keys":                       "/keys",
		"//keys///key-1//export":      "/keys/key-1/export",
		"/keys/key-1/export?limit=1":  "/keys/key-1/export",
		"/keys/key%2D1/export":        "/keys/key-1/export",
		"/keys/":                      "/keys/",
		"/":                           "/",
		"/keys/key-1/export??a=%zz#x": "/keys/key-1/export",
		"/keys/schl%C3%BCssel":        "/keys/schlüssel",
	} {
		if got, err := NormalPath(raw); err != nil || got != want {
			t.Errorf("%s: got %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "keys", "http://host/keys", "/keys/a%2Fexport", "/keys/%252e", "/keys/../admin", "/keys/./x", "/keys/%2e%2e/x",
		"/keys/a%00", "/keys/a\nb", "/keys/%zz", "/keys/%", "/keys#x", `/keys\x`, "/keys/%5c", "/keys/%3f", "/keys/\xff", "/" + strings.Repeat("a", maxPath),
	} {
		if got, err := NormalPath(raw); !errors.Is(err, ErrPath) {
			t.Errorf("%q became %q, %v", raw, got, err)
		}
	}
}

func TestNormalPathIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := "/" + rapid.StringMatching(`[a-z/%.2Fe5c?-]{0,30}`).Draw(t, "path")
		once, err := NormalPath(raw)
		if err != nil {
			return
		}
		if twice, err := NormalPath(once); err != nil || twice != once {
			t.Fatalf("%q → %q → %q, %v", raw, once, twice, err)
		}
	})
}
