package node

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"keyferry/server/challenge"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares"
)

const zeros = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // 31 bytes

// The layout of docs/protocol.md, written out by hand. Shares are sealed under it: if it
// changed, none would open.
func TestAssociatedDataOfASharesPlaceAreTheDocumentedOnes(t *testing.T) {
	encoded, err := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	if err != nil {
		t.Fatal(err)
	}
	generator, err := shares.Secp256k1.ParsePoint(encoded)
	if err != nil {
		t.Fatal(err)
	}
	s := Share{
		Org: "or-1", Key: "key-1", Scheme: shares.Schemes()[0], PublicKey: generator, Index: shares.IndexOf(2), MinSigners: 3,
		Public: shares.PublicShares{generator, generator},
	}
	point := "\x00\x00\x00\x21" + string(encoded)
	vector := sha256.Sum256([]byte("\x00\x00\x00\x19keyferry public shares v1" + "\x00\x00\x00\x09secp256k1" + "\x00\x00\x00\x02" + point + point))
	want := "\x00\x00\x00\x19keyferry share at rest v1" + "\x00\x00\x00\x01d" + "\x00\x00\x00\x04or-1" + "\x00\x00\x00\x05key-1" +
		"\x00\x00\x00\x20\x09" + zeros + "\x00\x00\x00\x07CGGMP21" + "\x00\x00\x00\x09secp256k1" + point +
		"\x00\x00\x00\x20" + zeros + "\x02" + "\x00\x00\x00\x08" + zeros[:7] + "\x03" + "\x00\x00\x00\x20" + string(vector[:])
	if got := place("d", signer.ID{9}, s); string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Signers keep this digest for as long as an action could be used again.
func TestDigestOfAUseIsOverEverythingThatCameWithIt(t *testing.T) {
	s := useraction.Signed{
		Input: challenge.Input{Label: "l"}, Credential: "cr-1", Kind: "Key", ClientData: []byte("{}"), AuthenticatorData: []byte{1}, Signature: []byte{2, 3},
	}
	input := string(s.Input.Encode())
	if len(input) > 255 || !strings.HasPrefix(input, "\x00\x00\x00\x01l") {
		t.Fatalf("%q", input)
	}
	want := sha256.Sum256([]byte("\x00\x00\x00" + string([]byte{byte(len(input))}) + input + "\x00\x00\x00\x04cr-1" + "\x00\x00\x00\x03Key" +
		"\x00\x00\x00\x02{}" + "\x00\x00\x00\x01\x01" + "\x00\x00\x00\x02\x02\x03"))
	if got := digest(s); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

// So are the digests of approvals, which can never be those of actions.
func TestDigestOfAnApprovalIsTheDocumentedOne(t *testing.T) {
	approval, action := useraction.Signed{Credential: "cr-1"}, useraction.Signed{Credential: "cr-2"}
	given, approved := digest(approval), digest(action)
	want := sha256.Sum256([]byte("\x00\x00\x00\x1bkeyferry export approval v1" +
		"\x00\x00\x00\x20" + string(given[:]) + "\x00\x00\x00\x20" + string(approved[:])))
	if got := approvalDigest(approval, action); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}
