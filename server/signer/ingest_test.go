package signer_test

import (
	"encoding/hex"
	"testing"

	"keyferry/server/signer"
	"keyferry/shares"
)

// The expected values were computed by another program, from docs/protocol.md. Signers
// and servers keep keys under them, so they may never change.
func TestAnIngestedKeysIDFollowsFromItsOriginForEver(t *testing.T) {
	const (
		action = "f71b9101e14c7d018ea5797576a5f282f67e816064f73bfdfec575e3689af9ee"
		key    = "key-6ezw6-d7rll-7wkgje64jcbe47vi"
	)
	encoded, err := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	if err != nil {
		t.Fatal(err)
	}
	generator, err := shares.Secp256k1.ParsePoint(encoded)
	if err != nil {
		t.Fatal(err)
	}
	origin := signer.Origin{Deployment: "d", Organisation: "or-1", Scheme: shares.Schemes()[0], PublicKey: generator}
	if got := origin.Action(); hex.EncodeToString(got[:]) != action {
		t.Errorf("action %x", got)
	}
	if origin.Key() != key {
		t.Errorf("key %s", origin.Key())
	}
	for name, other := range map[string]signer.Origin{
		"deployment":   {Deployment: "e", Organisation: "or-1", Scheme: origin.Scheme, PublicKey: generator},
		"organisation": {Deployment: "d", Organisation: "or-2", Scheme: origin.Scheme, PublicKey: generator},
		"protocol":     {Deployment: "d", Organisation: "or-1", Scheme: shares.Schemes()[3], PublicKey: generator},
		"a shift":      {Deployment: "do", Organisation: "r-1", Scheme: origin.Scheme, PublicKey: generator},
	} {
		if other.Key() == key {
			t.Errorf("another %s gives the same key", name)
		}
	}
}
