package shares

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"keyferry/shares/internal/vectors"
	"keyferry/shares/locked/lockedtest"
)

const (
	oneHex      = "0000000000000000000000000000000000000000000000000000000000000001"
	twoHex      = "000000000000000000000000000000000000000000000000000000000000000F"
	plainExport = `{"version":1,"index":{"curve":"stark","scalar":"` + oneHex + `"},"secret_share":{"curve":"stark","scalar":"` + twoHex + `"}}`
)

func TestExportPlaintextsThatClientsAcceptAreRead(t *testing.T) {
	index := `"index":{"scalar":"` + oneHex + `","curve":"stark"}`
	secret := `"secret_share":{"curve":"stark","scalar":"` + twoHex + `"}`
	for name, text := range map[string]string{
		"as written":      plainExport,
		"other order":     `{` + secret + `,` + index + `,"version":1}`,
		"blanks":          " {\t\"version\" : 1 ,\r\n" + index + " , " + secret + " } \n",
		"unknown members": `{"a":{"b":[1,-2.5e+7,"\u00e9\n",null,true,false,{}]},"version":1,` + index + `,` + secret + `,"a":[]}`,
		"unknown inside":  `{"version":1,` + index + `,"secret_share":{"x":0,"curve":"stark","scalar":"` + twoHex + `"}}`,
	} {
		share, err := ParseExport(lockedtest.Bytes(t, []byte(text)), Stark)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if share.Index != IndexOf(1) || share.Secret.Bytes()[31] != 15 || share.Secret.Bytes()[0] != 0 {
			t.Errorf("%s: index %s", name, share.Index)
		}
		share.Destroy()
	}
}

func TestMalformedExportPlaintextsAreRefused(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(plainExport, old) {
			t.Fatalf("%q is not in the plaintext", old)
		}
		return strings.Replace(plainExport, old, new, 1)
	}
	order := (new(big.Int).SetBytes(scalarBytes(orderOf(Stark)))).Text(16)
	for name, text := range map[string]string{
		"empty":                 "",
		"null":                  "null",
		"array":                 "[" + plainExport + "]",
		"cut off":               plainExport[:len(plainExport)-1],
		"trailing":              plainExport + "x",
		"two values":            plainExport + plainExport,
		"byte order mark":       "\ufeff" + plainExport,
		"other blanks":          "\v" + plainExport,
		"version 2":             replace(`:1,`, `:2,`),
		"version 0":             replace(`:1,`, `:0,`),
		"version 11":            replace(`:1,`, `:11,`),
		"version 01":            replace(`:1,`, `:01,`),
		"version 1.0":           replace(`:1,`, `:1.0,`),
		"version 1e0":           replace(`:1,`, `:1e0,`),
		"version -1":            replace(`:1,`, `:-1,`),
		"version text":          replace(`:1,`, `:"1",`),
		"version true":          replace(`:1,`, `:true,`),
		"no version":            replace(`"version":1,`, ``),
		"version twice":         replace(`"version":1,`, `"version":1,"version":1,`),
		"name in another case":  replace(`"version"`, `"Version"`),
		"escaped name":          replace(`"version"`, `"versi\u006fn"`),
		"escaped unknown name":  replace(`{`, `{"\u0061":1,`),
		"escaped curve":         replace(`"stark"`, `"st\u0061rk"`),
		"other curve":           replace(`"stark"`, `"secp256k1"`),
		"curve in another case": replace(`"stark"`, `"Stark"`),
		"curve twice":           replace(`"curve":"stark",`, `"curve":"stark","curve":"stark",`),
		"no curve":              replace(`"curve":"stark",`, ``),
		"index number":          replace(`{"curve":"stark","scalar":"`+oneHex+`"}`, `1`),
		"index zero":            replace(oneHex, strings.Repeat("0", 64)),
		"index of the order":    replace(oneHex, "0"+order),
		"secret zero":           replace(twoHex, strings.Repeat("0", 64)),
		"secret of the order":   replace(twoHex, "0"+order),
		"63 digits":             replace(twoHex, twoHex[1:]),
		"66 digits":             replace(twoHex, "00"+twoHex),
		"0x":                    replace(twoHex, "0x"+twoHex[2:]),
		"not hex":               replace(twoHex, "g"+twoHex[1:]),
		"a sign":                replace(twoHex, "+"+twoHex[1:]),
		"control character":     replace(`{`, "{\"a\":\"\x01\","),
		"not UTF-8":             replace(`{`, "{\"a\":\"\xff\","),
		"bad escape":            replace(`{`, `{"a":"\x",`),
		"bad unicode escape":    replace(`{`, `{"a":"\u00g0",`),
		"escape at the end":     `{"a":"\`,
		"unicode at the end":    `{"a":"\u00`,
		"bad number":            replace(`{`, `{"a":1.,`),
		"number with a plus":    replace(`{`, `{"a":+1,`),
		"number with no digits": replace(`{`, `{"a":-,`),
		"bad exponent":          replace(`{`, `{"a":1e,`),
		"unknown word":          replace(`{`, `{"a":nul,`),
		"value missing":         replace(`{`, `{"a":,`),
		"comma missing":         replace(`:1,`, `:1 `),
		"comma too many":        replace(`}}`, `},}`),
		"comma at the start":    replace(`{`, `{,`),
		"colon missing":         replace(`"version":1`, `"version" 1`),
		"unquoted name":         replace(`"version"`, `version`),
		"nested too deep":       replace(`{`, `{"a":`+strings.Repeat("[", 17)+strings.Repeat("]", 17)+`,`),
		"never ends nesting":    strings.Repeat(`{"a":`, 40000),
		"too long":              plainExport + strings.Repeat(" ", maxPlaintext),
	} {
		share, err := ParseExport(lockedtest.Bytes(t, []byte(text)), Stark)
		if !errors.Is(err, ErrPlaintext) || share.Secret != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNestingUpToTheLimitIsRead(t *testing.T) {
	text := strings.Replace(plainExport, `{`, `{"a":`+strings.Repeat("[", maxNesting)+strings.Repeat("]", maxNesting)+`,`, 1)
	share, err := ParseExport(lockedtest.Bytes(t, []byte(text)), Stark)
	if err != nil {
		t.Fatal(err)
	}
	share.Destroy()
}

func TestErrorsDoNotQuoteThePlaintext(t *testing.T) {
	text := strings.ReplaceAll(plainExport, oneHex, "hunter2") + "hunter2"
	_, err := ParseExport(lockedtest.Bytes(t, []byte(text)), Stark)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
}

func TestMalformedImportPlaintextsAreRefused(t *testing.T) {
	good := vectors.Load(t).Import[0].Shares[0]
	replace := func(old, new string) string {
		if !strings.Contains(good.Plaintext, old) {
			t.Fatalf("%q is not in the plaintext", old)
		}
		return strings.Replace(good.Plaintext, old, new, 1)
	}
	first := `{"curve":"secp256k1","point":"` + good.PublicShareHex + `"}`
	for name, text := range map[string]string{
		"compressed point": replace(good.PublicShareHex, good.PublicShareCompressedHex),
		"hybrid point":     replace(`"04`, `"06`),
		"identity":         replace(good.PublicShareHex, strings.Repeat("00", 65)),
		"short identity":   replace(good.PublicShareHex, "00"),
		"off the curve":    replace(good.PublicShareHex, good.PublicShareHex[:128]+"00"),
		"four points":      replace(first+",", ""),
		"six points":       replace(first, first+","+first),
		"no points":        `{"version":1,"secret_share":{"curve":"secp256k1","scalar":"` + good.SecretHex + `"},"public_shares":[]}`,
		"points no array":  `{"version":1,"secret_share":{"curve":"secp256k1","scalar":"` + good.SecretHex + `"},"public_shares":` + first + `}`,
		"points missing":   `{"version":1,"secret_share":{"curve":"secp256k1","scalar":"` + good.SecretHex + `"}}`,
		"point twice":      replace(first, `{"curve":"secp256k1","point":"`+good.PublicShareHex+`","point":"`+good.PublicShareHex+`"}`),
		"null for a point": replace(first, "null"),
		"curve of a point": replace(first, strings.Replace(first, "secp256k1", "stark", 1)),
		"secret zero":      replace(good.SecretHex, strings.Repeat("0", 64)),
		"version 2":        replace(`"version":1`, `"version":2`),
		"cut off":          good.Plaintext[:len(good.Plaintext)-2],
	} {
		share, err := ParseImport(lockedtest.Bytes(t, []byte(text)), Secp256k1, 5)
		if !errors.Is(err, ErrPlaintext) || share.Secret != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int{-1, 0, 1, 256} {
		if _, err := ParseImport(lockedtest.Bytes(t, []byte(good.Plaintext)), Secp256k1, n); !errors.Is(err, ErrThreshold) {
			t.Errorf("%d signers: %v", n, err)
		}
	}
	if _, err := ParseImport(lockedtest.Bytes(t, []byte(good.Plaintext)), Secp256k1, 6); !errors.Is(err, ErrPlaintext) {
		t.Errorf("six signers: %v", err)
	}
}

func TestImportShareIsRefusedAtAnotherPosition(t *testing.T) {
	good := vectors.Load(t).Import[1].Shares[0]
	share, err := ParseImport(lockedtest.Bytes(t, []byte(good.Plaintext)), Stark, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer share.Destroy()
	for position, want := range map[int]error{0: ErrIndexes, -1: ErrIndexes, 6: ErrIndexes, 2: ErrPolynomial} {
		if err := share.Check(position, 3); !errors.Is(err, want) {
			t.Errorf("position %d: %v", position, err)
		}
	}
	if err := share.Check(1, 2); !errors.Is(err, ErrPolynomial) {
		t.Errorf("threshold 2: %v", err)
	}
}

func TestEncodersRefuseWhatParsersWould(t *testing.T) {
	one := lockedtest.Bytes(t, scalarBytes(big.NewInt(1)))
	point, _ := Secp256k1.MulBase(one)
	if _, err := EncodeExport(Secp256k1, Index{}, one); !errors.Is(err, ErrIndexes) {
		t.Errorf("index zero: %v", err)
	}
	if _, err := EncodeExport(Secp256k1, IndexOf(1), lockedtest.Bytes(t, make([]byte, 32))); !errors.Is(err, ErrScalar) {
		t.Errorf("secret zero: %v", err)
	}
	if _, err := EncodeImport(Stark, one, PublicShares{point, point}); !errors.Is(err, ErrCurve) {
		t.Errorf("points of another curve: %v", err)
	}
	if _, err := EncodeImport(Secp256k1, one, PublicShares{point}); !errors.Is(err, ErrThreshold) {
		t.Errorf("one point: %v", err)
	}
}

func TestHexDecodesEveryByteAndNothingElse(t *testing.T) {
	const digits = "0123456789abcdef"
	for c := range 256 {
		var got [1]byte
		ok := decodeHex(got[:], []byte{'0', byte(c)})
		want := strings.IndexByte(digits, byte(c))
		if want < 0 && c >= 'A' && c <= 'F' {
			want = c - 'A' + 10
		}
		if ok != (want >= 0) || ok && int(got[0]) != want {
			t.Errorf("digit %#x: %v %d", c, ok, got[0])
		}
		var encoded [2]byte
		encodeHex(encoded[:], []byte{byte(c)})
		if string(encoded[:]) != string([]byte{digits[c>>4], digits[c&15]}) {
			t.Errorf("byte %d encodes to %q", c, encoded[:])
		}
	}
}

// Whatever parses, encodes and parses again to the same share.
func FuzzParseExport(f *testing.F) {
	file := vectors.Load(f)
	seeds := 0
	for _, v := range file.Export {
		for _, s := range v.Shares {
			f.Add([]byte(s.Plaintext), uint8(curveNamed(f, v.Curve)))
			seeds++
		}
	}
	if seeds != 20 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Add([]byte(plainExport), uint8(Stark))
	f.Add([]byte(`{"version":1e0,"a":"\u00`), uint8(Ed25519))
	f.Fuzz(func(t *testing.T, text []byte, number uint8) {
		curve := Curve(number)
		share, err := ParseExport(lockedtest.Bytes(t, text), curve)
		if err != nil {
			if share.Secret != nil || !errors.Is(err, ErrPlaintext) && !errors.Is(err, ErrCurve) {
				t.Fatalf("error %v, secret %v", err, share.Secret)
			}
			return
		}
		defer share.Destroy()
		if !utf8.Valid(text) || len(text) > maxPlaintext {
			t.Fatal("accepted what is not UTF-8, or too long")
		}
		again, err := EncodeExport(curve, share.Index, share.Secret)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Destroy()
		second, err := ParseExport(again, curve)
		if err != nil {
			t.Fatal(err)
		}
		defer second.Destroy()
		if second.Index != share.Index || string(second.Secret.Bytes()) != string(share.Secret.Bytes()) {
			t.Fatal("another share")
		}
	})
}

// Whatever parses, encodes and parses again to the same share.
func FuzzParseImport(f *testing.F) {
	file := vectors.Load(f)
	if len(file.Import) != 4 {
		f.Fatal("no seeds")
	}
	for _, v := range file.Import {
		f.Add([]byte(v.Shares[0].Plaintext), uint8(curveNamed(f, v.Curve)))
	}
	f.Fuzz(func(t *testing.T, text []byte, number uint8) {
		curve := Curve(number)
		share, err := ParseImport(lockedtest.Bytes(t, text), curve, 5)
		if err != nil {
			if share.Secret != nil || !errors.Is(err, ErrPlaintext) && !errors.Is(err, ErrCurve) {
				t.Fatalf("error %v, secret %v", err, share.Secret)
			}
			return
		}
		defer share.Destroy()
		again, err := EncodeImport(curve, share.Secret, share.Public)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Destroy()
		second, err := ParseImport(again, curve, 5)
		if err != nil {
			t.Fatal(err)
		}
		defer second.Destroy()
		if second.Public.Hash() != share.Public.Hash() || string(second.Secret.Bytes()) != string(share.Secret.Bytes()) {
			t.Fatal("another share")
		}
	})
}
