package strictjson

import (
	"errors"
	"testing"
	"time"
)

type recursive struct {
	Next *recursive `json:"next"`
}

type embedding struct{ testScheme }

func TestDecodeRefusesUnfitTargetsWhateverTheText(t *testing.T) {
	for name, into := range map[string]any{
		"nil":         nil,
		"nil pointer": (*testBody)(nil),
		"struct":      testBody{},
		"map":         &map[string]string{},
		"recursion":   &recursive{},
		"embedding":   &embedding{},
		"own method":  &time.Time{},
		"no name":     &struct{ A string }{},
		"option": &struct {
			A int `json:"a,string"`
		}{},
		"equal names": &struct {
			A int `json:"a"`
			B int `json:"A"`
		}{},
		"misspelled tag": &struct {
			A int `json:"a" required:"yes"`
		}{},
		"any": &struct {
			A any `json:"a"`
		}{},
		"float": &struct {
			A float64 `json:"a"`
		}{},
		"bytes": &struct {
			A []byte `json:"a"`
		}{},
		"array": &struct {
			A [2]int `json:"a"`
		}{},
		"member's method": &struct {
			A []*time.Time `json:"a"`
		}{},
		"map member": &struct {
			A map[string]int `json:"a"`
		}{},
	} {
		err := Decode([]byte(`{}`), into)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, ok := errors.AsType[*Error](err); ok {
			t.Errorf("%s: the sender is blamed: %v", name, err)
		}
	}
}

func TestDecodeSkipsFieldsThatAreNoMembers(t *testing.T) {
	var got struct {
		Kept    string `json:"kept"`
		Skipped any    `json:"-"`
		private any
	}
	if err := Decode([]byte(`{"kept":"k","Skipped":1,"private":2,"-":3}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Kept != "k" || got.Skipped != nil || got.private != nil {
		t.Errorf("got %+v", got)
	}
}
