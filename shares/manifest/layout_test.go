package manifest

import (
	"strings"
	"testing"

	"keyferry/shares/envelope"
	"keyferry/shares/fields"
)

// The layouts of docs/protocol.md, written out by hand. Clients keep manifests, so they
// may never change.
func TestSignedTextsAreTheDocumentedOnes(t *testing.T) {
	key, err := envelope.ParseEncryptionKey("AQKOmawcO67psNSj1V5cwjijXFkDpGYj9u7HFYMteseAbg==")
	if err != nil {
		t.Fatal(err)
	}
	second := []byte(strings.Repeat("x", 258))
	m := Member{ID: ID{9}, Identities: [][]byte{[]byte("first"), second}, EncryptionKey: key}
	id := "\x00\x00\x00\x20\x09" + strings.Repeat("\x00", 31)
	identity := "\x00\x00\x01\x02" + string(second)
	want := "\x00\x00\x00\x16keyferry import key v1" + "\x00\x00\x00\x01d" + id + identity + "\x00\x00\x00\x22" + string(key.Bytes())
	if got := m.importKeyText("d"); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	want = "\x00\x00\x00\x19keyferry identity link v1" + "\x00\x00\x00\x01d" + id + identity
	if got := fields.Append(nil, []byte(linkLabel), []byte("d"), m.ID[:], second); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
