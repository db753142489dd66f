package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	dcrd "github.com/decred/dcrd/dcrec/secp256k1/v4"
	"pgregory.net/rapid"

	"keyferry/shares/internal/vectors"
	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unbase64(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealable returns a buffer with room for an envelope around content.
func sealable(t testing.TB, content []byte) *locked.Buffer {
	t.Helper()
	return lockedtest.WithRoom(t, content, Overhead)
}

func decryptionKey(t testing.TB, scalarHex string) *DecryptionKey {
	t.Helper()
	key, err := ParseDecryptionKey(sealable(t, append([]byte{version}, unhex(t, scalarHex)...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Destroy)
	return key
}

func generate(t testing.TB) *DecryptionKey {
	t.Helper()
	key, err := GenerateDecryptionKey()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Destroy)
	return key
}

func TestSealAndOpenMatchVectors(t *testing.T) {
	f := vectors.Load(t)
	for name, curve := range agreements() {
		client := decryptionKey(t, f.Client.DecryptionKeyScalarHex)
		for _, v := range f.Export {
			for _, s := range v.Shares {
				checkVector(t, name, curve, client, s)
			}
		}
		for _, v := range f.Import {
			for _, s := range v.Shares {
				signer := decryptionKey(t, v.Signer(s.SignerID).DecryptionKeyScalarHex)
				if got := signer.EncryptionKey().String(); got != v.Signer(s.SignerID).EncryptionKey {
					t.Errorf("signer %s has encryption key %s", s.SignerID, got)
				}
				checkVector(t, name, curve, signer, s)
			}
		}
	}
}

func checkVector(t *testing.T, name string, curve agreement, key *DecryptionKey, s vectors.Share) {
	t.Helper()
	ephemeral := sealable(t, unhex(t, s.EphemeralScalarHex))
	sealed, err := key.EncryptionKey().sealWith(curve, ephemeral, sealable(t, []byte(s.Plaintext)))
	if err != nil || base64.StdEncoding.EncodeToString(sealed) != s.Ciphertext || len(sealed) != s.CiphertextLen {
		t.Errorf("%s: share %d seals differently: %v", name, s.Index, err)
	}
	opened, err := key.openWith(curve, unbase64(t, s.Ciphertext))
	if err != nil {
		t.Fatalf("%s: share %d: %v", name, s.Index, err)
	}
	defer opened.Destroy()
	if string(opened.Bytes()) != s.Plaintext {
		t.Errorf("%s: share %d opens differently", name, s.Index)
	}
	if s.SharedSecretPointHex != "" { // import vectors do not tell it
		checkSharedPoints(t, curve, key, (*[scalarSize]byte)(ephemeral.Bytes()), s.SharedSecretPointHex)
	}
}

func checkSharedPoints(t *testing.T, curve agreement, key *DecryptionKey, ephemeral *[scalarSize]byte, want string) {
	t.Helper()
	var public, once, again [pointSize]byte
	errOnce := curve.ephemeral(ephemeral, &key.public.point, &public, &once)
	errAgain := curve.share((*[scalarSize]byte)(key.scalar.Bytes()), &public, &again)
	if errOnce != nil || errAgain != nil || hex.EncodeToString(once[:]) != want || once != again {
		t.Errorf("shared points differ: %v %v", errOnce, errAgain)
	}
}

func TestClientKeyMatchesVectors(t *testing.T) {
	c := vectors.Load(t).Client
	key, err := ParseDecryptionKey(sealable(t, unhex(t, c.DecryptionKeyBytesHex)))
	if err != nil {
		t.Fatal(err)
	}
	defer key.Destroy()
	public := key.EncryptionKey()
	if public.String() != c.EncryptionKey || hex.EncodeToString(public.Bytes()) != c.EncryptionKeyHex {
		t.Errorf("encryption key %s", public)
	}
	saved, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Destroy()
	if hex.EncodeToString(saved.Bytes()) != c.DecryptionKeyBytesHex {
		t.Error("saved differently")
	}
}

func TestEncryptionKeyVectorsAreRefused(t *testing.T) {
	list, err := vectors.Load(t).OfKind("encryptionKey", 14)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if key, err := ParseEncryptionKey(v.EncryptionKey); v.Expect.Server != "400" || !errors.Is(err, ErrKey) || !key.IsZero() {
			t.Errorf("%s: server expects %s, got %v", v.ID, v.Expect.Server, err)
		}
	}
}

func TestCiphertextVectorsAreRefusedAlike(t *testing.T) {
	list, err := vectors.Load(t).OfKind("ciphertext", 14)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		key := decryptionKey(t, v.DecryptionKeyScalarHex)
		ciphertext := unbase64(t, v.Ciphertext)
		if _, err := key.Open(ciphertext); v.Expect.Server != "400" || err != ErrOpen {
			t.Errorf("%s: server expects %s, got %v", v.ID, v.Expect.Server, err)
		}
		if v.ID == "ct-tampered-eph-parity" {
			continue // a token cannot tell: see the next test
		}
		if _, err := OpenWithToken(t.Context(), fakeToken{key}, ciphertext); err != ErrOpen {
			t.Errorf("%s: server expects %s, got %v from the token", v.ID, v.Expect.Server, err)
		}
	}
}

// The one tamper that a token, which knows x only, cannot see: it changes nothing of
// what is inside.
func TestOpenWithTokenIgnoresTheEphemeralKeysParity(t *testing.T) {
	key := generate(t)
	sealed, err := key.EncryptionKey().Seal(sealable(t, []byte("content")))
	if err != nil {
		t.Fatal(err)
	}
	sealed[len(sealed)-pointSize] ^= 0x01
	opened, err := OpenWithToken(t.Context(), fakeToken{key}, sealed)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Destroy()
	if string(opened.Bytes()) != "content" {
		t.Error("another content")
	}
}

func TestOtherSpellingsOfAnEncryptionKeyAreRefused(t *testing.T) {
	good := vectors.Load(t).Client.EncryptionKey
	if _, err := ParseEncryptionKey(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		good + "\n", good[:4] + "\r\n" + good[4:], " " + good, good + "=", good[:len(good)-1],
		strings.Replace(good, "bg==", "bh==", 1), // stray low bits
		good + good,
	} {
		if _, err := ParseEncryptionKey(bad); !errors.Is(err, ErrKey) {
			t.Errorf("took %q: %v", bad, err)
		}
	}
}

func TestNewEncryptionKeyTakesBothFormsOfAPoint(t *testing.T) {
	want := generate(t).EncryptionKey()
	point, err := dcrd.ParsePubKey(want.Bytes()[1:])
	if err != nil {
		t.Fatal(err)
	}
	uncompressed := point.SerializeUncompressed()
	for _, form := range [][]byte{uncompressed, point.SerializeCompressed()} {
		if got, err := NewEncryptionKey(form); err != nil || got != want || got.Hash() != want.Hash() {
			t.Errorf("%d bytes: %s, %v", len(form), got, err)
		}
	}
	hybrid := append([]byte{0x06 | uncompressed[64]&1}, uncompressed[1:]...)
	offCurve := bytes.Clone(uncompressed)
	offCurve[64] ^= 1
	for _, bad := range [][]byte{nil, {0}, make([]byte, 33), make([]byte, 65), hybrid, offCurve, uncompressed[1:], append(uncompressed, 0)} {
		if _, err := NewEncryptionKey(bad); !errors.Is(err, ErrKey) {
			t.Errorf("took %x: %v", bad, err)
		}
	}
}

func TestWhatIsSealedOpensForItsRecipientOnly(t *testing.T) {
	recipient, other := generate(t), generate(t)
	rapid.Check(t, func(rt *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(rt, "content")
		sealed, err := recipient.EncryptionKey().Seal(sealable(t, content))
		if err != nil || len(sealed) != len(content)+Overhead {
			rt.Fatalf("%d bytes: %v", len(sealed), err)
		}
		opened, err := recipient.Open(sealed)
		if err != nil {
			rt.Fatal(err)
		}
		defer opened.Destroy()
		if !bytes.Equal(opened.Bytes(), content) {
			rt.Fatal("another content")
		}
		if _, err := other.Open(sealed); err != ErrOpen {
			rt.Fatalf("another recipient: %v", err)
		}
	})
}

func TestEveryTamperIsRefused(t *testing.T) {
	key := generate(t)
	sealed, err := key.EncryptionKey().Seal(sealable(t, []byte("content")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for _, bit := range []byte{0x01, 0x80} {
			changed := bytes.Clone(sealed)
			changed[i] ^= bit
			if _, err := key.Open(changed); err != ErrOpen {
				t.Errorf("byte %d ^ %x: %v", i, bit, err)
			}
		}
		if _, err := key.Open(sealed[:i]); err != ErrOpen {
			t.Errorf("first %d bytes: %v", i, err)
		}
	}
	if _, err := key.Open(append(sealed, 0)); err != ErrOpen {
		t.Errorf("a byte more: %v", err)
	}
	if _, err := key.Open(append(make([]byte, maxEnvelope), sealed...)); err != ErrOpen {
		t.Errorf("too long: %v", err)
	}
}

func TestSealUsesUpThePlaintextAndNeverRepeatsItself(t *testing.T) {
	key := generate(t).EncryptionKey()
	seen := map[string]bool{}
	for range 20 {
		b := sealable(t, []byte("the same content"))
		sealed, err := key.Seal(b)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(sealed[len(sealed)-pointSize:])] || seen[string(sealed[:16])] {
			t.Fatal("an ephemeral key was used twice")
		}
		seen[string(sealed[len(sealed)-pointSize:])], seen[string(sealed[:16])] = true, true
		if whole := b.Bytes()[:b.Cap()]; b.Len() != 0 || !bytes.Equal(whole, make([]byte, len(whole))) {
			t.Error("the buffer is not empty")
		}
	}
}

func TestSealRefusesWhatItCannotSealAndWipesIt(t *testing.T) {
	key := generate(t).EncryptionKey()
	tight, err := locked.NewWithCapacity(10, 10+Overhead-1)
	if err != nil {
		t.Fatal(err)
	}
	defer tight.Destroy()
	copy(tight.Bytes(), "plaintext!")
	for name, c := range map[string]struct {
		key       EncryptionKey
		plaintext *locked.Buffer
		want      error
	}{
		"no room":  {key, tight, ErrSeal},
		"empty":    {key, sealable(t, nil), ErrSeal},
		"too long": {key, sealable(t, make([]byte, maxPlaintext+1)), ErrSeal},
		"no key":   {EncryptionKey{}, sealable(t, []byte("plaintext!")), ErrKey},
	} {
		sealed, err := c.key.Seal(c.plaintext)
		if !errors.Is(err, c.want) || sealed != nil {
			t.Errorf("%s: %v", name, err)
		}
		if bytes.Contains(c.plaintext.Bytes()[:c.plaintext.Cap()], []byte("plaintext!")) {
			t.Errorf("%s: the plaintext is still there", name)
		}
	}
}

func TestDecryptionKeysOutOfRangeAreRefused(t *testing.T) {
	order := "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
	for _, bad := range []string{"", "01", "01" + strings.Repeat("00", 32), "01" + order, "01" + strings.Repeat("ff", 32), "00" + order[:62] + "40", "02" + order[:62] + "40", "01" + order[:62] + "4000"} {
		if _, err := ParseDecryptionKey(sealable(t, unhex(t, bad))); !errors.Is(err, ErrKey) {
			t.Errorf("took %q: %v", bad, err)
		}
	}
	if _, err := ParseDecryptionKey(sealable(t, unhex(t, "01"+order[:62]+"40"))); err != nil {
		t.Errorf("order − 1: %v", err)
	}
}

func TestDecryptionKeyNeverPrintsItself(t *testing.T) {
	f := vectors.Load(t)
	key := decryptionKey(t, f.Client.DecryptionKeyScalarHex)
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("made", "key", key)
	encoded, err := json.Marshal(map[string]any{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %x %d", key, key, key, key, key, key), logged.String(), string(encoded)} {
		if !strings.Contains(text, redacted) || strings.Contains(text, f.Client.DecryptionKeyScalarHex[:8]) {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestDestroyedDecryptionKeyDoesNothing(t *testing.T) {
	key := generate(t)
	sealed, err := key.EncryptionKey().Seal(sealable(t, []byte("content")))
	if err != nil {
		t.Fatal(err)
	}
	key.Destroy()
	key.Destroy()
	(*DecryptionKey)(nil).Destroy()
	if _, err := key.Open(sealed); err != ErrOpen {
		t.Errorf("open: %v", err)
	}
	if _, err := key.Bytes(); !errors.Is(err, ErrKey) {
		t.Errorf("bytes: %v", err)
	}
}
