package trust

import "testing"

// The layout of docs/protocol.md, written out by hand.
func TestSignedTextIsTheDocumentedOne(t *testing.T) {
	if got, want := string(message([]byte("{}\n"))), "\x00\x00\x00\x1akeyferry trust document v1"+"\x00\x00\x00\x03{}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
