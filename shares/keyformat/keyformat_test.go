package keyformat

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/locked/lockedtest"
)

// testKeys has a scalar for each curve; that of stark starts with zero digits.
var testKeys = map[shares.Curve]string{
	shares.Secp256k1: "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
	shares.Stark:     "000bb5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
	shares.Ed25519:   "0a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
}

// weak makes keystores quickly.
func weak(t *testing.T, password string) Options {
	return Options{Password: lockedtest.Bytes(t, []byte(password)), ScryptLogN: 4}
}

func optionsFor(t *testing.T, format Format) Options {
	if format.Encrypts() {
		return weak(t, "correct horse")
	}
	return Options{}
}

// encoded returns the file's bytes. They are test keys: they may leave locked memory.
func encoded(t *testing.T, format Format, curve shares.Curve, digits string, options Options) []byte {
	t.Helper()
	b, err := Encode(format, curve, lockedtest.Hex(t, digits), options)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Destroy()
	return bytes.Clone(b.Bytes())
}

func publicOf(t *testing.T, curve shares.Curve, digits string) shares.Point {
	t.Helper()
	public, err := curve.MulBase(lockedtest.Hex(t, digits))
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestFormatsOfEachCurve(t *testing.T) {
	for curve, want := range map[shares.Curve]string{
		shares.Secp256k1: "hex, raw, wif, wif-testnet, ethereum-keystore, pem, pem-sec1",
		shares.Stark:     "hex, raw, starknet, starknet-keystore",
		shares.Ed25519:   "hex, raw, expanded, expanded-hex",
		0:                "",
	} {
		if got := names(Formats(curve)); got != want {
			t.Errorf("formats of %q: %s, want %s", curve, got, want)
		}
	}
}

func TestParseFormatReadsEveryNameAndNoOther(t *testing.T) {
	for _, f := range AllFormats() {
		if got, err := ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %v, %v", f, got, err)
		}
	}
	for _, name := range []string{"", "WIF", "wif ", "seed", strings.Repeat("x", 1000)} {
		_, err := ParseFormat(name)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "expanded-hex") || len(err.Error()) > 300 {
			t.Errorf("ParseFormat(%.20q): %v", name, err)
		}
	}
}

func TestEncodeRefusesWhatTheCurveCannotUse(t *testing.T) {
	for curve, digits := range testKeys {
		for _, format := range AllFormats() {
			b, err := Encode(format, curve, lockedtest.Hex(t, digits), optionsFor(t, format))
			b.Destroy()
			if wanted := format.takes(curve); wanted != (err == nil) || !wanted && !errors.Is(err, ErrRefused) {
				t.Errorf("%s of a key on %s: %v", format, curve, err)
			}
		}
	}
}

func TestRefusalsExplainWhatToDoInstead(t *testing.T) {
	for _, c := range []struct {
		format Format
		curve  shares.Curve
		says   string
	}{
		{PEM, shares.Ed25519, Ed25519Explanation},
		{WIF, shares.Ed25519, Ed25519Explanation},
		{PEMSEC1, shares.Stark, "no object identifier"},
		{WIF, shares.Stark, "hex, raw, starknet, starknet-keystore"},
		{Starknet, shares.Secp256k1, "ethereum-keystore"},
	} {
		_, err := Encode(c.format, c.curve, lockedtest.Hex(t, testKeys[c.curve]), Options{})
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s of a key on %s: %v", c.format, c.curve, err)
		}
	}
}

func TestEncodeRefusesBadKeysInEveryFormat(t *testing.T) {
	tooLarge := strings.Repeat("ff", 32)
	for _, format := range AllFormats() {
		e, err := format.encoding()
		if err != nil {
			t.Fatal(err)
		}
		for _, curve := range e.curves {
			for _, digits := range []string{strings.Repeat("00", 32), tooLarge, "01", testKeys[curve] + "00"} {
				if _, err := Encode(format, curve, lockedtest.Hex(t, digits), optionsFor(t, format)); !errors.Is(err, shares.ErrScalar) {
					t.Errorf("%s of %.8s… on %s: %v", format, digits, curve, err)
				}
			}
			if _, err := Encode(format, curve, nil, optionsFor(t, format)); !errors.Is(err, shares.ErrScalar) {
				t.Errorf("%s of no key on %s: %v", format, curve, err)
			}
		}
	}
}

func TestEncodeRefusesNoFormatAndNoCurve(t *testing.T) {
	key := lockedtest.Hex(t, testKeys[shares.Secp256k1])
	for _, format := range []Format{0, 200} {
		if _, err := Encode(format, shares.Secp256k1, key, Options{}); !errors.Is(err, ErrFormat) {
			t.Errorf("format %d: %v", format, err)
		}
	}
	for _, curve := range []shares.Curve{0, 200} {
		if _, err := Encode(Hex, curve, key, Options{}); !errors.Is(err, ErrRefused) {
			t.Errorf("curve %d: %v", curve, err)
		}
	}
}

func TestPasswordsAreNeededOrRefused(t *testing.T) {
	empty := Options{Password: lockedtest.Bytes(t, []byte{0})}
	empty.Password.Resize(0)
	for _, format := range AllFormats() {
		options := []Options{weak(t, "unused")}
		if format.Encrypts() {
			options = []Options{{}, empty}
		}
		e, err := format.encoding()
		if err != nil {
			t.Fatal(err)
		}
		curve := e.curves[0]
		for i, o := range options {
			if _, err := Encode(format, curve, lockedtest.Hex(t, testKeys[curve]), o); !errors.Is(err, ErrPassword) {
				t.Errorf("%s, case %d: %v", format, i, err)
			}
		}
	}
}

func TestEncodeLeavesTheKeyToItsCaller(t *testing.T) {
	for curve, digits := range testKeys {
		for _, format := range Formats(curve) {
			key := lockedtest.Hex(t, digits)
			b, err := Encode(format, curve, key, optionsFor(t, format))
			if err != nil {
				t.Fatal(err)
			}
			b.Destroy()
			if hex.EncodeToString(key.Bytes()) != digits {
				t.Errorf("%s of a key on %s changed the key", format, curve)
			}
		}
	}
}

func TestHexAndRawAreTheScalarItself(t *testing.T) {
	for curve, digits := range testKeys {
		if got := encoded(t, Hex, curve, digits, Options{}); string(got) != digits+"\n" {
			t.Errorf("hex on %s: %s", curve, got)
		}
		if got := encoded(t, Raw, curve, digits, Options{}); hex.EncodeToString(got) != digits {
			t.Errorf("raw on %s: %x", curve, got)
		}
	}
}
