//go:build cgo

package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"testing"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
)

func checkSignature(t testing.TB, signer crypto.Signer) {
	t.Helper()
	public, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		t.Fatalf("the identity key is %T", signer.Public())
	}
	digest := sha256.Sum256([]byte(rand.Text()))
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Error("the signature does not verify")
	}
	digest[0] ^= 1
	if ecdsa.VerifyASN1(public, digest[:], signature) {
		t.Error("the signature verifies another digest")
	}
}

func TestIdentitySignatureVerifies(t *testing.T) {
	signer := hsmtest.Token(t).Identity()
	for range 20 {
		checkSignature(t, signer)
	}
}

func TestIdentitySignsDigestsAlone(t *testing.T) {
	signer := hsmtest.Token(t).Identity()
	for _, attempt := range []struct {
		length int
		hash   crypto.Hash
	}{{31, crypto.SHA256}, {33, crypto.SHA256}, {32, crypto.SHA384}, {32, 0}, {20, crypto.SHA1}, {0, 0}} {
		if _, err := signer.Sign(rand.Reader, make([]byte, attempt.length), attempt.hash); err == nil {
			t.Errorf("signed %d bytes as %v", attempt.length, attempt.hash)
		}
	}
}

func TestIdentityOfABlankTokenDoesNotSign(t *testing.T) {
	signer := hsmtest.Open(t, hsmtest.Blank(t)).Identity()
	if _, err := signer.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !errors.Is(err, hsm.ErrNotInitialised) {
		t.Error(err)
	}
}

func TestTokensHaveDifferentIdentities(t *testing.T) {
	tokens := hsmtest.Cluster(t, 2)
	first := tokens[0].Identity().Public().(*ecdsa.PublicKey)
	if first.Equal(tokens[1].Identity().Public()) {
		t.Error("two tokens have the same identity key")
	}
}
