package shares

import (
	"testing"

	"keyferry/shares/locked"
)

// benchSecret is in range on every curve.
func benchSecret(b *testing.B) *locked.Buffer {
	b.Helper()
	secret, err := locked.New(scalarSize)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(secret.Destroy)
	for i := range secret.Bytes() {
		secret.Bytes()[i] = byte(i % 8)
	}
	return secret
}

func benchDealing(b *testing.B, curve Curve) *Dealing {
	b.Helper()
	d, err := Split(curve, benchSecret(b), 3, 5)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(d.Destroy)
	return d
}

func BenchmarkSplit(b *testing.B) {
	for _, curve := range []Curve{Secp256k1, Stark, Ed25519} {
		b.Run(curve.Name(), func(b *testing.B) {
			secret := benchSecret(b)
			b.ReportAllocs()
			for b.Loop() {
				d, err := Split(curve, secret, 3, 5)
				if err != nil {
					b.Fatal(err)
				}
				d.Destroy()
			}
		})
	}
}

func BenchmarkInterpolate(b *testing.B) {
	for _, curve := range []Curve{Secp256k1, Stark, Ed25519} {
		b.Run(curve.Name(), func(b *testing.B) {
			d := benchDealing(b, curve)
			b.ReportAllocs()
			for b.Loop() {
				secret, err := Interpolate(d.Shares[:3])
				if err != nil {
					b.Fatal(err)
				}
				secret.Destroy()
			}
		})
	}
}

// A signer reads a key's public shares at every export.
func BenchmarkParseUncompressedPoint(b *testing.B) {
	for _, curve := range []Curve{Secp256k1, Stark, Ed25519} {
		b.Run(curve.Name(), func(b *testing.B) {
			encoded := benchDealing(b, curve).Public[0].Uncompressed()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := curve.ParseUncompressedPoint(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
