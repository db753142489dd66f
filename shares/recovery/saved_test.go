package recovery

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"keyferry/shares/envelope"
	"keyferry/shares/locked/lockedtest"
)

func TestSavedContextOpensTheSameExport(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 2, 3)
	saved, err := e.context.Save()
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Destroy()
	again, err := Parse(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Destroy()
	if again.EncryptionKey() != e.context.EncryptionKey() {
		t.Error("another encryption key")
	}
	r, err := again.Recover(e.response(t), Options{})
	checkKey(t, r, err)
	if text := fmt.Sprintf("%v %+v %#v", e.context, e.context, r); strings.Contains(text, string(saved.Bytes()[len(savedLabel):len(savedLabel)+16])) || strings.Contains(text, secretHex[:16]) {
		t.Error("a secret was printed")
	}
}

func TestDamagedSavedContextsAreRefused(t *testing.T) {
	e := newExport(t, secp256k1Scheme(), 2, 3)
	saved, err := e.context.Save()
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Destroy()
	good := bytes.Clone(saved.Bytes())
	for name, text := range map[string][]byte{
		"empty":         nil,
		"label only":    []byte(savedLabel),
		"other version": bytes.Replace(good, []byte("-v1 "), []byte("-v2 "), 1),
		"key version":   bytes.Replace(good, []byte(" 01"), []byte(" 02"), 1),
		"short":         good[:len(good)-3],
		"long":          append(bytes.Clone(good[:len(good)-1]), "00"...),
		"not hex":       append(bytes.Clone(good[:len(good)-2]), 'x'),
		"zero key":      []byte(savedLabel + "01" + strings.Repeat("00", 32)),
	} {
		if _, err := Parse(lockedtest.Hex(t, hex.EncodeToString(append(text, '\n')))); !errors.Is(err, ErrContext) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e.context.Destroy()
	if _, err := e.context.Save(); !errors.Is(err, envelope.ErrKey) {
		t.Errorf("destroyed context: %v", err)
	}
}
