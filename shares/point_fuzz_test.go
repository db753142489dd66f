package shares

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// FuzzParsePoint holds that a point has one compressed and one uncompressed encoding,
// and that either gives back the same point.
func FuzzParsePoint(f *testing.F) {
	curves := []Curve{Secp256k1, Stark, Ed25519}
	for _, seed := range []string{
		"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		"0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
		"0201ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfca",
		"5866666666666666666666666666666666666666666666666666666666666666", // the generator (RFC 8032 §5.1)
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", // of order 8
		"0100000000000000000000000000000000000000000000000000000000000000", "00", "",
	} {
		encoded, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		for i := range curves {
			f.Add(uint8(i), encoded)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, encoded []byte) {
		curve := curves[int(which)%len(curves)]
		for name, parse := range map[string]func([]byte) (Point, error){"compressed": curve.ParsePoint, "uncompressed": curve.ParseUncompressedPoint} {
			point, err := parse(encoded)
			if err != nil {
				if !errors.Is(err, ErrPoint) || !point.IsZero() {
					t.Fatalf("%x: %v, %v", encoded, point, err)
				}
				continue
			}
			spelled := point.Bytes()
			if name == "uncompressed" {
				spelled = point.Uncompressed()
			}
			if !bytes.Equal(spelled, encoded) || point.Curve() != curve {
				t.Fatalf("%s %x is also %x", name, encoded, spelled)
			}
			short, err := curve.ParsePoint(point.Bytes())
			long, errLong := curve.ParseUncompressedPoint(point.Uncompressed())
			if err != nil || errLong != nil || short != point || long != point {
				t.Fatalf("%x: %v, %v", encoded, err, errLong)
			}
		}
	})
}
