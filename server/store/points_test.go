package store

import (
	"errors"
	"strings"
	"testing"

	"keyferry/shares"
)

// generators are the encodings of a curve's base point, or of another that is well known.
var generators = map[shares.Curve]string{
	shares.Secp256k1: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
	shares.Ed25519:   "5866666666666666666666666666666666666666666666666666666666666666",
}

func TestRememberedPointsAreThoseThatWereRead(t *testing.T) {
	known := newPoints()
	for curve, text := range generators {
		first, err := known.publicKey(curve, text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := known.publicKey(curve, text)
		if err != nil || again != first || again.Hex() != text || again.Curve() != curve {
			t.Errorf("%s: then %v, %v", curve, again, err)
		}
		plain, err := known.uncompressed(curve, first.Uncompressed())
		if err != nil || plain != first {
			t.Errorf("%s uncompressed: %v, %v", curve, plain, err)
		}
	}
}

func TestRememberedPointIsRefusedInAnotherForm(t *testing.T) {
	known := newPoints()
	text := generators[shares.Ed25519]
	if _, err := known.publicKey(shares.Ed25519, text); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (shares.Point, error){
		"on another curve":  func() (shares.Point, error) { return known.publicKey(shares.Secp256k1, text) },
		"with a byte more":  func() (shares.Point, error) { return known.publicKey(shares.Ed25519, text+"00") },
		"with a byte less":  func() (shares.Point, error) { return known.publicKey(shares.Ed25519, text[2:]) },
		"of small order":    func() (shares.Point, error) { return known.publicKey(shares.Ed25519, strings.Repeat("00", 32)) },
		"on no known curve": func() (shares.Point, error) { return known.publicKey(0, text) },
	} {
		for range 2 { // a refusal is not remembered as a point either
			if point, err := read(); err == nil || !point.IsZero() {
				t.Errorf("%s: %v, %v", name, point, err)
			}
		}
	}
	upper := "02" + "79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"
	if _, err := known.publicKey(shares.Secp256k1, generators[shares.Secp256k1]); err != nil {
		t.Fatal(err)
	}
	if _, err := known.publicKey(shares.Secp256k1, upper); !errors.Is(err, shares.ErrPoint) {
		t.Errorf("upper-case hex: %v", err)
	}
}
