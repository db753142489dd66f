// Package envelopetest gives tests somebody to seal to.
package envelopetest

import (
	"testing"

	"keyferry/shares/envelope"
)

// EncryptionKey makes a key whose private half is gone: nobody opens what is sealed to it.
func EncryptionKey(t testing.TB) envelope.EncryptionKey {
	t.Helper()
	key, err := envelope.GenerateDecryptionKey()
	if err != nil {
		t.Fatal(err)
	}
	defer key.Destroy()
	return key.EncryptionKey()
}
