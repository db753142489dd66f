package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"
)

func TestDerivationIsHKDF(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		point := rapid.SliceOfN(rapid.Byte(), pointSize, pointSize).Draw(rt, "point")
		content := rapid.SliceOf(rapid.Byte()).Draw(rt, "content")
		got, err := aead(point)
		if err != nil {
			rt.Fatal(err)
		}
		want := standardAEAD(rt, point)
		if !bytes.Equal(got.Seal(nil, nonce[:], content, nil), want.Seal(nil, nonce[:], content, nil)) {
			rt.Fatal("another key than crypto/hkdf's")
		}
	})
}

func standardAEAD(t *rapid.T, point []byte) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, point, []byte(salt), info, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm
}

func TestDerivationLeavesNothingOnTheHeap(t *testing.T) {
	point := make([]byte, pointSize)
	var prk [sha256.Size]byte
	if n := testing.AllocsPerRun(100, func() { prk = mac([]byte(salt), point) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
	if prk == [sha256.Size]byte{} {
		t.Error("no result")
	}
}
