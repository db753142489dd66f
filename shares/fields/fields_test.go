package fields

import (
	"bytes"
	"crypto/sha256"
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

// Lists that fit into the room that Hash has, and lists that do not.
func TestHashIsOfWhatAppendWrites(t *testing.T) {
	for _, length := range []int{0, 1, 1019, 1020, 1021, 5000} {
		list := [][]byte{bytes.Repeat([]byte{7}, length), []byte("end")}
		if got, want := Hash(list...), sha256.Sum256(Append(nil, list...)); got != want {
			t.Errorf("a field of %d bytes: got %x, want %x", length, got, want)
		}
	}
	if Hash() != sha256.Sum256(nil) {
		t.Error("no fields are not nothing")
	}
}

func TestHashTakesNoMemoryOfTheHeap(t *testing.T) {
	list := [][]byte{bytes.Repeat([]byte{7}, 1000), []byte("end")}
	if n := testing.AllocsPerRun(10, func() { Hash(list...) }); n != 0 {
		t.Errorf("%v allocations", n)
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
