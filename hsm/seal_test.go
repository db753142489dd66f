//go:build cgo

package hsm_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

// A share plaintext has about this length.
var shareText = strings.Repeat("a share as JSON ", 18)

func TestOpenedShareIsWhatWasSealed(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	for _, text := range []string{"x", shareText, strings.Repeat("z", 64<<10)} {
		for _, aad := range [][]byte{nil, []byte("place")} {
			blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, text), aad)
			if err != nil {
				t.Fatal(err)
			}
			if len(blob) != len(text)+29 || blob[0] != 1 || bytes.Contains(blob, []byte(text)) && len(text) > 1 {
				t.Fatalf("blob of %d bytes for %d", len(blob), len(text))
			}
			plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, aad, 40)
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, "share", plaintext.Bytes(), []byte(text))
			if plaintext.Cap() < len(text)+40 {
				t.Errorf("room for %d bytes behind %d", plaintext.Cap()-len(text), len(text))
			}
			plaintext.Destroy()
		}
	}
}

// What the token wrote beyond the plaintext must not be found by who uses the room.
func TestRoomBehindAnOpenedShareIsZero(t *testing.T) {
	ctx := context.Background()
	token := hsmtest.Token(t)
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, shareText), nil)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, nil, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer plaintext.Destroy()
	plaintext.Resize(len(shareText) + 64)
	mustEqual(t, "room", plaintext.Bytes()[len(shareText):], make([]byte, 64))
}

func TestEachSealingHasItsOwnNonce(t *testing.T) {
	token := hsmtest.Token(t)
	seen := make(map[string]bool)
	for range 50 {
		blob, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, secret(t, "share"), nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(blob[1:13])] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d nonces for 50 shares", len(seen))
	}
}

// SoftHSM answers CKR_GENERAL_ERROR to a bad tag as it does to its own failures.
func TestForeignOrChangedBlobIsErrBlobAndTheTokenStillWorks(t *testing.T) {
	ctx := context.Background()
	token, other := hsmtest.Token(t), hsmtest.Token(t)
	aad := []byte("place")
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(t, shareText), aad)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.SealShare(ctx, hsm.FirstWrappingKey, secret(t, shareText), aad)
	if err != nil {
		t.Fatal(err)
	}
	edited := func(at int) []byte {
		b := bytes.Clone(blob)
		b[at] ^= 1
		return b
	}
	for name, bad := range map[string]struct{ blob, aad []byte }{
		"other place":          {blob, []byte("Place")},
		"no place":             {blob, nil},
		"another token's":      {foreign, aad},
		"version":              {edited(0), aad},
		"nonce":                {edited(1), aad},
		"ciphertext":           {edited(13), aad},
		"tag":                  {edited(len(blob) - 1), aad},
		"cut by one":           {blob[:len(blob)-1], aad},
		"cut to its overhead":  {blob[:29], aad},
		"cut to its nonce":     {blob[:13], aad},
		"empty":                {nil, aad},
		"one byte more":        {append(bytes.Clone(blob), 0), aad},
		"longer than possible": {append(bytes.Clone(blob), make([]byte, 64<<10)...), aad},
	} {
		if plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, bad.blob, bad.aad, 0); !errors.Is(err, hsm.ErrBlob) || plaintext != nil {
			t.Errorf("%s: %v", name, err)
		}
		plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, aad, 0)
		if err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
		mustEqual(t, "share after "+name, plaintext.Bytes(), []byte(shareText))
		plaintext.Destroy()
	}
}

func TestImpossibleSharesAreNotSealed(t *testing.T) {
	token := hsmtest.Token(t)
	empty := secret(t, "x")
	empty.Resize(0)
	if _, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, empty, nil); err == nil {
		t.Error("sealed an empty share")
	}
	if _, err := token.SealShare(context.Background(), hsm.FirstWrappingKey, secret(t, strings.Repeat("x", 64<<10+1)), nil); err == nil {
		t.Error("sealed more than 64 KiB")
	}
}

func BenchmarkOpenAndSealShare(b *testing.B) {
	ctx := context.Background()
	token := hsmtest.Token(b)
	aad := []byte("keyferry benchmark, a place of usual length for associated data of one share")
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, secret(b, shareText), aad)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		plaintext, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, aad, 16)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := token.SealShare(ctx, hsm.FirstWrappingKey, plaintext, aad); err != nil {
			b.Fatal(err)
		}
		plaintext.Destroy()
	}
}
