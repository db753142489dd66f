//go:build cgo

package test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

type plaintextEdit struct {
	name   string
	change func(plaintext string) string
}

// plaintextEdits change what the first signer finds in an envelope that is sealed to
// it as it should be.
func plaintextEdits() []plaintextEdit {
	replace := func(name, old, new string) plaintextEdit {
		return plaintextEdit{name, func(text string) string { return strings.Replace(text, old, new, 1) }}
	}
	scalar := func(name, hex string) plaintextEdit {
		return plaintextEdit{name, func(text string) string { return replaceAfter(text, `"scalar":"`, 64, hex) }}
	}
	point := func(name, hex string) plaintextEdit {
		return plaintextEdit{name, func(text string) string { return replaceAfter(text, `"point":"`, 130, hex) }}
	}
	return []plaintextEdit{
		replace("version 2", `"version":1`, `"version":2`), replace("a version that is a text", `"version":1`, `"version":"1"`),
		replace("no version", `"version":1,`, ``), replace("a version twice", `"version":1`, `"version":1,"version":1`),
		replace("another curve of the secret", `"curve":"secp256k1"`, `"curve":"stark"`), replace("a curve in capitals", `"curve":"secp256k1"`, `"curve":"SECP256K1"`),
		scalar("a secret of zero", strings.Repeat("0", 64)), scalar("a secret above the order", strings.Repeat("f", 64)),
		scalar("the order as secret", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
		scalar("a secret that is not the public share's", strings.Repeat("1", 64)), scalar("a short secret", "01"),
		scalar("a secret that is no hex", strings.Repeat("g", 64)), scalar("a long secret", strings.Repeat("0", 2)+strings.Repeat("1", 64)),
		point("the identity as public share", strings.Repeat("0", 130)), point("a public share off the curve", "04"+strings.Repeat("1", 128)),
		point("a compressed public share", "02"+strings.Repeat("1", 64)), point("an empty public share", ""), point("one zero byte as public share", "00"),
		point("the generator as public share", "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
		{"public shares in another order", reversedPoints},
		{"a public share left out", func(text string) string { return text[:strings.LastIndex(text, `,{"curve"`)] + "]}" }},
		{"a public share more", func(text string) string {
			return strings.TrimSuffix(text, "]}") + text[strings.LastIndex(text, `,{"curve"`):]
		}},
		{"no public shares", func(text string) string { return text[:strings.Index(text, `,"public_shares"`)] + "}" }},
		{"text behind the share", func(text string) string { return text + "{}" }},
		{"a share that is cut off", func(text string) string { return text[:len(text)-1] }},
		{"no JSON", func(string) string { return "hello" }}, {"nothing", func(string) string { return " " }},
		{"a million levels", func(string) string { return strings.Repeat("[", 10_000) }},
	}
}

// replaceAfter replaces the digits behind the first occurrence of a name.
func replaceAfter(text, name string, digits int, by string) string {
	at := strings.Index(text, name) + len(name)
	return text[:at] + by + text[at+digits:]
}

func reversedPoints(text string) string {
	head, list, _ := strings.Cut(strings.TrimSuffix(text, "]}"), `"public_shares":[`)
	points := strings.SplitAfter(list, "}")
	for i := range points {
		points[i] = strings.TrimPrefix(points[i], ",")
	}
	slices.Reverse(points)
	return head + `"public_shares":[` + strings.Join(slices.DeleteFunc(points, func(p string) bool { return p == "" }), ",") + "]}"
}

// replaceShare deals a key anew, so that its plaintexts are known, and changes the
// first signer's.
func (s *stage) replaceShare(t *testing.T, r *dealer.Request, change func(string) string) {
	t.Helper()
	dealing, err := shares.Split(shares.Secp256k1, newSecret(t), r.MinSigners, len(r.EncryptedKeyShares))
	if err != nil {
		t.Fatal(err)
	}
	defer dealing.Destroy()
	for i, share := range dealing.Shares {
		plaintext, err := shares.EncodeImport(share.Curve, share.Secret, dealing.Public)
		if err != nil {
			t.Fatal(err)
		}
		content := string(plaintext.Bytes())
		plaintext.Destroy()
		if i == 0 {
			changed := change(content)
			if changed == content {
				t.Fatal("the plaintext is as it was")
			}
			content = changed
		}
		r.EncryptedKeyShares[i].EncryptedKeyShare = s.sealTo(t, r.EncryptedKeyShares[i].SignerID, content)
	}
}

// sealTo seals any text to a signer.
func (s *stage) sealTo(t *testing.T, signer, content string) string {
	t.Helper()
	i := slices.IndexFunc(s.signers, func(one dealer.Signer) bool { return one.SignerID == signer })
	key, err := envelope.ParseEncryptionKey(s.signers[i].EncryptionKey)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := locked.NewWithCapacity(len(content), len(content)+envelope.Overhead)
	if err != nil {
		t.Fatal(err)
	}
	defer plaintext.Destroy()
	copy(plaintext.Bytes(), content)
	sealed, err := key.Seal(plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sealed)
}
