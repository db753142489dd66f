package strictjson

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

type testScheme struct {
	Protocol string `json:"protocol" required:"true"`
	Curve    string `json:"curve" required:"true"`
}

// testBody has a member of every supported kind.
type testBody struct {
	EncryptionKey string         `json:"encryptionKey" required:"true"`
	Schemes       []testScheme   `json:"supportedSchemes,omitzero" required:"true"`
	MinSigners    int            `json:"minSigners"`
	Small         int8           `json:"small"`
	Count         uint32         `json:"count"`
	MasterKey     bool           `json:"masterKey"`
	Name          *string        `json:"name,omitzero"`
	Parent        *testScheme    `json:"parent,omitzero"`
	Raw           jsontext.Value `json:"raw,omitzero"`

	hidden int
}

// with returns a body that is good but for the members added.
func with(members string) string {
	return `{"encryptionKey":"k","supportedSchemes":[],` + members + `}`
}

func TestDecodeReadsEveryKindOfMember(t *testing.T) {
	const text = "\r\n\t " + `{ "unknown": [null, {"deep": 1e999}], "encryptionKey": "a\u00e9\ud83d\ude00é",
		"supportedSchemes": [{"protocol": "FROST", "curve": "ed25519", "extra": true}],
		"minSigners": -9223372036854775808, "small": 127, "count": 4294967295, "masterKey": true,
		"name": "", "parent": {"protocol": "p", "curve": "c"}, "raw": {"a": [1.50]} } ` + "\n"
	name := ""
	want := testBody{
		EncryptionKey: "aé😀é",
		Schemes:       []testScheme{{Protocol: "FROST", Curve: "ed25519"}},
		MinSigners:    -1 << 63, Small: 127, Count: 1<<32 - 1, MasterKey: true,
		Name: &name, Parent: &testScheme{"p", "c"}, Raw: jsontext.Value(`{"a": [1.50]}`),
	}
	var got testBody
	if err := Decode([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(testBody{})); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeTakesNullForOptionalPointersOnly(t *testing.T) {
	got := testBody{}
	if err := Decode([]byte(with(`"name":null,"parent":null,"raw":null`)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != nil || got.Parent != nil || string(got.Raw) != "null" {
		t.Errorf("got %+v", got)
	}
	var required struct {
		Name *string `json:"name" required:"true"`
	}
	expectRefusal(t, `{"name":null}`, &required, `member "name" must be a string`)
}

func TestDecodeLeavesTheTargetAloneOnRefusal(t *testing.T) {
	got := testBody{EncryptionKey: "before", Count: 7, hidden: 1}
	want := got
	expectRefusal(t, `{"encryptionKey":"after","supportedSchemes":[],"count":-1}`, &got, `member "count" must be an unsigned integer of 32 bits`)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("half done: %+v", got)
	}
}

func TestDecodeOverwritesTheWholeTarget(t *testing.T) {
	got := testBody{Count: 7, Schemes: []testScheme{{"old", "old"}}}
	if err := Decode([]byte(with(`"small":1`)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Count != 0 || len(got.Schemes) != 0 || got.Small != 1 {
		t.Errorf("old values shine through: %+v", got)
	}
}

func TestDecodeKeepsNothingOfTheInput(t *testing.T) {
	data := []byte(with(`"name":"name","raw":[1]`))
	before := string(data)
	var got testBody
	if err := Decode(data, &got); err != nil {
		t.Fatal(err)
	}
	if string(data) != before {
		t.Error("the input was changed")
	}
	clear(data)
	if *got.Name != "name" || string(got.Raw) != "[1]" {
		t.Errorf("the result changed with the input: %+v", got)
	}
}

// TestBigTextsFinish feeds texts of up to 1.5 MB that cost an age where anything
// looks back over what was read: at 100,000 names that is 10^10 steps.
func TestBigTextsFinish(t *testing.T) {
	const n = 100_000
	repeat := func(n int, part string) string { // "#" is the part's number
		var text strings.Builder
		for i := range n {
			text.WriteString(strings.ReplaceAll(part, "#", strconv.Itoa(i)) + ",")
		}
		return strings.TrimSuffix(text.String(), ",")
	}
	for name, members := range map[string]string{
		"members":         repeat(n, `"name#":"x"`),
		"nested members":  strings.Repeat(`"x":{`, maxDepth-2) + repeat(n/5, `"name#":{}`) + strings.Repeat(`}`, maxDepth-2),
		"members falling": `"z":1,` + repeat(n/5, `"name#":{"b":1,"a":2}`),
		"elements":        `"x":[` + repeat(n/5, `{"a":#}`) + `]`,
		"empty arrays":    `"x":[` + repeat(n/5, `[[]]`) + `]`,
		"escapes":         `"x":"` + strings.Repeat(`\u00e9`, n) + `"`,
		"one long name":   `"` + strings.Repeat(`é`, n) + `":1`,
		"digits":          `"x":1` + strings.Repeat(`0`, 10*n),
	} {
		text := with(members)
		if err := Decode([]byte(text), &testBody{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if same, err := Equal([]byte(text), []byte(" "+text)); err != nil || !same {
			t.Errorf("%s: equal: %v, %v", name, same, err)
		}
	}
}
