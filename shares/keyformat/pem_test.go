package keyformat

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"keyferry/shares"
)

func TestOpenSSLReadsPEM(t *testing.T) {
	digits := testKeys[shares.Secp256k1]
	public := publicOf(t, shares.Secp256k1, digits).Uncompressed()
	for format, label := range map[Format]string{PEM: "PRIVATE KEY", PEMSEC1: "EC PRIVATE KEY"} {
		file := encoded(t, format, shares.Secp256k1, digits, Options{})
		run(t, file, "openssl", "pkey", "-check", "-noout")
		if spki := run(t, file, "openssl", "pkey", "-pubout", "-outform", "DER"); !bytes.HasSuffix(spki, public) {
			t.Errorf("%s: openssl found the public key %x", format, spki)
		}
		text := string(run(t, file, "openssl", "pkey", "-text", "-noout"))
		if got := hexAfter(text, "priv:"); got != digits {
			t.Errorf("%s: openssl found the private key %s", format, got)
		}
		if block, rest := pem.Decode(file); block == nil || block.Type != label || len(rest) > 0 {
			t.Errorf("%s is not one block of type %q", format, label)
		}
	}
}

// hexAfter collects the indented lines of colon-separated digits under a heading.
func hexAfter(text, heading string) string {
	_, text, _ = strings.Cut(text, heading+"\n")
	var digits strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		digits.WriteString(strings.NewReplacer(":", "", " ", "", "\n", "").Replace(line))
	}
	return digits.String()
}

// openssl ec writes SEC 1 in the same way: curve and public key inside.
func TestSEC1IsWhatOpenSSLWrites(t *testing.T) {
	file := encoded(t, PEMSEC1, shares.Secp256k1, testKeys[shares.Secp256k1], Options{})
	if got := run(t, file, "openssl", "ec"); !bytes.Equal(got, file) {
		t.Errorf("openssl turns\n%sinto\n%s", file, got)
	}
}

func TestPKCS8IsWhatOpenSSLWrites(t *testing.T) {
	file := encoded(t, PEM, shares.Secp256k1, testKeys[shares.Secp256k1], Options{})
	if got := run(t, file, "openssl", "pkcs8", "-topk8", "-nocrypt"); !bytes.Equal(got, file) {
		t.Errorf("openssl turns\n%sinto\n%s", file, got)
	}
}

func TestArmorBreaksLinesLikeEncodingPEM(t *testing.T) {
	for _, length := range []int{1, 47, 48, 49, 96, 144} {
		der := bytes.Repeat([]byte{0xa5}, length)
		got, err := armor("TEST", der)
		if err != nil {
			t.Fatal(err)
		}
		if want := pem.EncodeToMemory(&pem.Block{Type: "TEST", Bytes: der}); !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d bytes:\n%swant\n%s", length, hex.Dump(got.Bytes()), want)
		}
		got.Destroy()
	}
}
