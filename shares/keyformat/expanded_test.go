package keyformat

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"slices"
	"testing"

	"filippo.io/edwards25519"

	"keyferry/shares"
)

const (
	ed25519One     = "0000000000000000000000000000000000000000000000000000000000000001"
	ed25519Largest = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ec"
)

// scalarOfSeed returns RFC 8032 §5.1.5's clamped scalar of a seed, and the same below
// the order as this project keeps it: big-endian, in hex.
func scalarOfSeed(t *testing.T, seed []byte) (clamped []byte, reduced string) {
	t.Helper()
	digest := sha512.Sum512(seed)
	scalar, err := edwards25519.NewScalar().SetBytesWithClamping(digest[:32])
	if err != nil {
		t.Fatal(err)
	}
	clamped = digest[:32]
	clamped[0] &= 248
	clamped[31] = clamped[31]&127 | 64
	bigEndian := scalar.Bytes()
	slices.Reverse(bigEndian)
	return clamped, hex.EncodeToString(bigEndian)
}

func randomSeed() []byte {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	return seed
}

func TestExpandedGivesBackTheClampedScalarOfASeed(t *testing.T) {
	for range 100 {
		clamped, reduced := scalarOfSeed(t, randomSeed())
		if got := encoded(t, Expanded, shares.Ed25519, reduced, Options{}); !bytes.Equal(got[:32], clamped) {
			t.Fatalf("%s expands to %x, want %x", reduced, got[:32], clamped)
		}
	}
}

// Clamped or not, the scalar is congruent to the key; and of random keys some can be
// clamped and some cannot.
func TestExpandedKeepsThePublicKey(t *testing.T) {
	clampable := 0
	const rounds = 64
	for range rounds {
		digits := randomScalar(t)
		scalar := encoded(t, Expanded, shares.Ed25519, digits, Options{})[:32]
		if got := publicOfWide(t, scalar); got != publicOf(t, shares.Ed25519, digits).Hex() {
			t.Fatalf("%s expands to %x, the key of %s", digits, scalar, got)
		}
		if scalar[31] >= 0x40 {
			clampable++
			if scalar[0]&7 != 0 || scalar[31] >= 0x80 {
				t.Errorf("%x is neither below the order nor clamped", scalar)
			}
		}
	}
	if clampable < rounds/8 || clampable > rounds-rounds/8 {
		t.Errorf("%d of %d random keys can be clamped, which should be half", clampable, rounds)
	}
}

func randomScalar(t *testing.T) string {
	t.Helper()
	scalar, err := edwards25519.NewScalar().SetUniformBytes(append(randomSeed(), randomSeed()...))
	if err != nil {
		t.Fatal(err)
	}
	bigEndian := scalar.Bytes()
	slices.Reverse(bigEndian)
	return hex.EncodeToString(bigEndian)
}

// publicOfWide multiplies the base point by a little-endian number of 32 bytes.
func publicOfWide(t *testing.T, number []byte) string {
	t.Helper()
	scalar, err := edwards25519.NewScalar().SetUniformBytes(append(bytes.Clone(number), make([]byte, 32)...))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(new(edwards25519.Point).ScalarBaseMult(scalar).Bytes())
}

func TestCardanoLibrarySignsWithTheExpandedKey(t *testing.T) {
	_, ofSeed := scalarOfSeed(t, randomSeed())
	for _, digits := range []string{ed25519One, ed25519Largest, testKeys[shares.Ed25519], ofSeed} {
		got := read(t, encoded(t, Expanded, shares.Ed25519, digits, Options{}), "expanded.mjs")
		public := publicOf(t, shares.Ed25519, digits)
		if got["publicKey"] != public.Hex() {
			t.Errorf("%s was read as the key of %s", digits, got["publicKey"])
		}
		signature, err := hex.DecodeString(got["signature"])
		if err != nil || !ed25519.Verify(public.Bytes(), []byte("keyferry"), signature) {
			t.Errorf("the signature by %s is wrong", digits)
		}
	}
}

func TestNoncePrefixIsTheKeysOwn(t *testing.T) {
	first := encoded(t, Expanded, shares.Ed25519, testKeys[shares.Ed25519], Options{})
	again := encoded(t, Expanded, shares.Ed25519, testKeys[shares.Ed25519], Options{})
	other := encoded(t, Expanded, shares.Ed25519, ed25519Largest, Options{})
	if len(first) != 64 || !bytes.Equal(first, again) {
		t.Error("the same key gives two files")
	}
	if bytes.Equal(first[32:], other[32:]) || bytes.Equal(first[32:], make([]byte, 32)) {
		t.Error("two keys have the same prefix, or none")
	}
}

func TestExpandedHexIsExpandedInHex(t *testing.T) {
	digits := testKeys[shares.Ed25519]
	want := hex.EncodeToString(encoded(t, Expanded, shares.Ed25519, digits, Options{})) + "\n"
	if got := encoded(t, ExpandedHex, shares.Ed25519, digits, Options{}); string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}
