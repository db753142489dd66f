package envelope

import "testing"

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
