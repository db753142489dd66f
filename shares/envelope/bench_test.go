package envelope

import (
	"crypto/rand"
	"testing"
)

func BenchmarkSeal(b *testing.B) {
	key := generate(b).EncryptionKey()
	plaintext := sealable(b, make([]byte, 232))
	b.ReportAllocs()
	for b.Loop() {
		plaintext.Resize(232)
		if _, err := key.Seal(plaintext); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	key := generate(b)
	sealed, err := key.EncryptionKey().Seal(sealable(b, make([]byte, 232)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		plaintext, err := key.Open(sealed)
		if err != nil {
			b.Fatal(err)
		}
		plaintext.Destroy()
	}
}

// What Seal and Open ask of the curve, on each implementation.
func BenchmarkAgreement(b *testing.B) {
	peer := generate(b).EncryptionKey().point
	var scalar [scalarSize]byte
	rand.Read(scalar[:])
	var public, shared [pointSize]byte
	for name, curve := range agreements() {
		b.Run("ephemeral/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := curve.ephemeral(&scalar, &peer, &public, &shared); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("share/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := curve.share(&scalar, &peer, &shared); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The rest of an envelope: deriving the key, and the cipher.
func BenchmarkEncryptInPlace(b *testing.B) {
	buffer := sealable(b, make([]byte, 232+Overhead))
	sharedPoint := make([]byte, pointSize)
	b.ReportAllocs()
	for b.Loop() {
		if err := encryptInPlace(buffer.Bytes(), 232, sharedPoint); err != nil {
			b.Fatal(err)
		}
	}
}
