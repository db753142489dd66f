package fields

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

func TestFieldsStandBehindTheirLengths(t *testing.T) {
	got := Append([]byte("before"), []byte("label"), nil, bytes.Repeat([]byte{7}, 258), Uint64(1<<40+5))
	want := "before" + "\x00\x00\x00\x05label" + "\x00\x00\x00\x00" + "\x00\x00\x01\x02" + string(bytes.Repeat([]byte{7}, 258)) +
		"\x00\x00\x00\x08\x00\x00\x01\x00\x00\x00\x00\x05"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What was written has one reading only: so two lists that differ are written
// differently.
func TestEveryListIsReadBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "fields")
		rest := Append(nil, list...)
		for i, want := range list {
			size := binary.BigEndian.Uint32(rest)
			field := rest[4 : 4+size]
			if rest = rest[4+size:]; !bytes.Equal(field, want) {
				t.Fatalf("field %d is %x, want %x", i, field, want)
			}
		}
		if len(rest) > 0 {
			t.Fatalf("%x is left", rest)
		}
	})
}
