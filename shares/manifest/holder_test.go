package manifest

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"strings"
	"testing"

	"keyferry/shares/envelope"
)

func TestSignerWithoutAnImportKeySignsThatItHasNone(t *testing.T) {
	holder, err := NewMember(deployment, newKey(t, elliptic.P256()), envelope.EncryptionKey{})
	if err != nil {
		t.Fatal(err)
	}
	importer, _ := newMember(t)
	m, err := New(deployment, []Member{holder, importer})
	if err != nil {
		t.Fatal(err)
	}
	if holder.Imports() || !importer.Imports() || m.Imports() {
		t.Error("who imports is not told")
	}
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"encryptionKey": ""`) {
		t.Errorf("written as %s", text)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if written, err := again.Marshal(); err != nil || !bytes.Equal(written, text) || again.Imports() {
		t.Errorf("read back and written as %s, %v", written, err)
	}
	holder.EncryptionKey = importer.EncryptionKey
	if err := holder.Verify(deployment); !errors.Is(err, ErrSignature) {
		t.Errorf("an import key that the signer did not sign: %v", err)
	}
}
