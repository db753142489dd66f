//go:build cgo

package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/shares/locked"
)

func TestNSSHoldsAndSigns(t *testing.T) {
	token := hsmtest.NSSToken(t)
	text := "a share's text"
	blob, err := token.SealShare(t.Context(), hsm.FirstWrappingKey, secret(t, text), []byte("its place"))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := token.OpenShare(t.Context(), hsm.FirstWrappingKey, blob, []byte("its place"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Destroy()
	mustEqual(t, "opened", opened.Bytes(), []byte(text))
	if _, err := token.OpenShare(t.Context(), hsm.FirstWrappingKey, blob, []byte("another place"), 0); !errors.Is(err, hsm.ErrBlob) {
		t.Errorf("opened in another place: %v", err)
	}
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		h := hash.New()
		h.Write([]byte(text))
		digest := h.Sum(nil)
		signature, err := token.Identity().Sign(rand.Reader, digest, hash)
		if err != nil || !ecdsa.VerifyASN1(token.Identity().Public().(*ecdsa.PublicKey), digest, signature) {
			t.Errorf("%v: %x, %v", hash, signature, err)
		}
	}
}

func TestNSSCannotImportAndSaysSo(t *testing.T) {
	token := hsmtest.NSSToken(t)
	if key := token.ImportPublicKey(); key != nil {
		t.Errorf("import key %x", key)
	}
	hashes, err := locked.New(2 * sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	defer hashes.Destroy()
	peer := hsmtest.Token(t).ImportPublicKey()
	if err := token.HashSharedX(t.Context(), peer, []byte{2}, []byte{3}, hashes); !errors.Is(err, hsm.ErrNoImport) {
		t.Errorf("ECDH: %v", err)
	}
	report, err := token.Init(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range report.Keys {
		if (key.Omitted != "") != (key.Role == "import") || key.Created {
			t.Errorf("ceremony held again: %+v", key)
		}
	}
}
