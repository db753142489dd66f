package useraction

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	dcrdecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// FuzzSignature holds that a signature verifies only as its signer wrote it, in its one
// spelling, but for the sign of s, which ECDSA leaves open.
func FuzzSignature(f *testing.F) {
	message := []byte(`{"type":"key.get","challenge":"x"}`)
	digest := sha256.Sum256(message)
	edwards := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	nist := tokenKey(f, 7)
	koblitz := secp256k1.PrivKeyFromBytes([]byte{7})
	byNIST, err := nist.Sign(nil, digest[:], crypto.SHA256) // the same in every process (RFC 6979)
	if err != nil {
		f.Fatal(err)
	}
	byEdwards, byKoblitz := ed25519.Sign(edwards, message), dcrdecdsa.Sign(koblitz, digest[:]).Serialize()
	keys := []struct {
		key       PublicKey
		signature []byte
		order     *big.Int // nil: the signature is not ECDSA's
	}{
		{PublicKey{key: edwards.Public()}, byEdwards, nil},
		{PublicKey{key: &nist.PublicKey}, byNIST, elliptic.P256().Params().N},
		{PublicKey{key: koblitz.PubKey()}, byKoblitz, secp256k1.Params().N},
	}
	for _, k := range keys {
		if !k.key.Verify(message, k.signature) {
			f.Fatalf("%T does not verify", k.key.key)
		}
		f.Add(k.signature)
		f.Add(append(k.signature[:len(k.signature):len(k.signature)], 0))
		f.Add(k.signature[:len(k.signature)-1])
	}
	f.Fuzz(func(t *testing.T, signature []byte) {
		for _, k := range keys {
			if !k.key.Verify(message, signature) {
				continue
			}
			if got, want := spelled(t, signature, k.order), spelled(t, k.signature, k.order); got != want {
				t.Fatalf("%T takes %x", k.key.key, signature)
			}
		}
	})
}

// spelled is the signature itself, or what is the same in both of ECDSA's: r, and the
// lower of s and n-s. Its DER must be what asn1 writes.
func spelled(t *testing.T, signature []byte, order *big.Int) string {
	if order == nil {
		return hex.EncodeToString(signature)
	}
	var parts struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(signature, &parts)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%x: %v", signature, err)
	}
	if again, err := asn1.Marshal(parts); err != nil || string(again) != string(signature) {
		t.Fatalf("%x is also %x, %v", signature, again, err)
	}
	if other := new(big.Int).Sub(order, parts.S); other.Cmp(parts.S) < 0 {
		parts.S = other
	}
	return parts.R.String() + " " + parts.S.String()
}
