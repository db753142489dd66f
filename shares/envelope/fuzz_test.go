package envelope

import (
	"bytes"
	"errors"
	"testing"

	"keyferry/shares/internal/vectors"
)

// What parses is spelled in one way only, and can be sealed to.
func FuzzParseEncryptionKey(f *testing.F) {
	file := vectors.Load(f)
	list, err := file.OfKind("encryptionKey", 14)
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range list {
		f.Add(v.EncryptionKey)
	}
	f.Add(file.Client.EncryptionKey)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseEncryptionKey(text)
		if err != nil {
			if !key.IsZero() || !errors.Is(err, ErrKey) {
				t.Fatalf("%v with %s", err, key)
			}
			return
		}
		if key.String() != text || len(key.Bytes()) != encodedKeySize {
			t.Fatalf("%q is also spelled %q", text, key)
		}
		if same, err := NewEncryptionKey(key.Bytes()[1:]); err != nil || same != key {
			t.Fatalf("%s and %s: %v", same, key, err)
		}
		if _, err := key.Seal(sealable(t, []byte("content"))); err != nil {
			t.Fatal(err)
		}
	})
}

// Only what was sealed to the key opens: the seeds, and nothing that differs from
// them. Both ways of opening agree, but for the ephemeral key's parity.
func FuzzOpen(f *testing.F) {
	file := vectors.Load(f)
	sealed := map[string]string{}
	for _, v := range file.Export {
		for _, s := range v.Shares {
			sealed[string(unbase64(f, s.Ciphertext))] = s.Plaintext
		}
	}
	if len(sealed) != 20 {
		f.Fatalf("%d seeds", len(sealed))
	}
	for ciphertext := range sealed {
		f.Add([]byte(ciphertext))
	}
	f.Add([]byte{})
	key := decryptionKey(f, file.Client.DecryptionKeyScalarHex)
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		want, genuine := sealed[string(ciphertext)]
		plaintext, err := key.Open(ciphertext)
		fromToken, tokenErr := OpenWithToken(t.Context(), fakeToken{key}, ciphertext)
		defer plaintext.Destroy()
		defer fromToken.Destroy()
		if (err == nil) != genuine || err != nil && err != ErrOpen || tokenErr != nil && tokenErr != ErrOpen {
			t.Fatalf("sealed: %v; opened: %v; in the token: %v", genuine, err, tokenErr)
		}
		if twin, ok := sealed[otherParity(ciphertext)]; ok && !genuine {
			want, genuine = twin, true
			plaintext = fromToken
		}
		if (tokenErr == nil) != genuine {
			t.Fatalf("sealed: %v; in the token: %v", genuine, tokenErr)
		}
		if !genuine {
			return
		}
		if string(plaintext.Bytes()) != want || !bytes.Equal(plaintext.Bytes(), fromToken.Bytes()) {
			t.Fatal("another plaintext")
		}
	})
}

// otherParity returns an envelope with the other prefix of its ephemeral key.
func otherParity(envelope []byte) string {
	if len(envelope) < pointSize {
		return ""
	}
	twin := bytes.Clone(envelope)
	twin[len(twin)-pointSize] ^= 0x01
	return string(twin)
}
