package shares

import (
	"crypto/sha256"
	"testing"
)

// The layout that PublicShares.Hash describes, written out by hand.
func TestHashOfPublicSharesIsOverTheDocumentedText(t *testing.T) {
	g := unhex(t, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	point, err := Secp256k1.ParsePoint(g)
	if err != nil {
		t.Fatal(err)
	}
	sized := "\x00\x00\x00\x21" + string(g)
	want := sha256.Sum256([]byte("\x00\x00\x00\x19keyferry public shares v1" + "\x00\x00\x00\x09secp256k1" + "\x00\x00\x00\x02" + sized + sized))
	if got := (PublicShares{point, point}).Hash(); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	none := sha256.Sum256([]byte("\x00\x00\x00\x19keyferry public shares v1" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"))
	if got := (PublicShares)(nil).Hash(); got != none {
		t.Errorf("of none: got %x, want %x", got, none)
	}
}
