package signer

import (
	"strings"
	"testing"
)

// The layout of docs/protocol.md, written out by hand.
func TestSignedReceiptIsTheDocumentedText(t *testing.T) {
	r := Receipt{Deployment: "d", Organisation: "or-1", Key: "key-1", Action: [32]byte{1}, VectorHash: [32]byte{2}}
	hash := func(first string) string { return "\x00\x00\x00\x20" + first + strings.Repeat("\x00", 31) }
	want := "\x00\x00\x00\x1akeyferry import receipt v1" + hash("\x09") + "\x00\x00\x00\x01d" + "\x00\x00\x00\x04or-1" +
		"\x00\x00\x00\x05key-1" + hash("\x01") + hash("\x02")
	if got := r.encode(ID{9}); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
