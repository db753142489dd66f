package statement

import (
	"strings"
	"testing"

	"keyferry/shares/manifest"
)

// The layout of docs/protocol.md, written out by hand. Signatures over it are kept for
// as long as exports matter, so it may never change.
func TestSignedTextIsTheDocumentedOne(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	hash := func(first string) string { return "\x00\x00\x00\x20" + first + zeros(31) }
	want := "\x00\x00\x00\x15keyferry statement v1" + hash("\x09") + "\x00\x00\x00\x01d" + "\x00\x00\x00\x04or-1" + "\x00\x00\x00\x05key-1" +
		"\x00\x00\x00\x07CGGMP21" + "\x00\x00\x00\x09secp256k1" +
		"\x00\x00\x00\x21" + string(point(t, generator).Bytes()) + "\x00\x00\x00\x08" + zeros(7) + "\x03" +
		"\x00\x00\x00\x20" + zeros(31) + "\x02" + "\x00\x00\x00\x21" + string(point(t, double).Bytes()) +
		hash("\x01") + hash("\x02") + hash("\x03") + hash("\x04") + "\x00\x00\x00\x08" + zeros(7) + "\x05"
	if got := example(t).appendTo(nil, manifest.ID{9}); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
