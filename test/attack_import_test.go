//go:build cgo

package test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"keyferry/shares/dealer"
)

// importAttacks bring shares that are no shares of one key. What is wrong outside of
// the envelopes is refused at once; what is inside them only their signers see, after
// the import has begun.
func importAttacks(t *testing.T, s *stage) []attack {
	order := func(name string, status int, reason string, change func(*dealer.Request)) attack {
		dealt := s.deal(t)
		change(&dealt)
		return attack{name, s.alice.signed(t, "/keys/import", text(t, dealt)), status, reason}
	}
	rows := []attack{order("a good dealing", 200, legitimate, func(*dealer.Request) {})}
	for _, one := range orderEdits() {
		rows = append(rows, order(one.name, 400, "request.malformed", one.change))
	}
	for _, one := range envelopeEdits(t, s) {
		rows = append(rows, order(one.name, 400, "import.share", one.change))
	}
	for _, one := range plaintextEdits() {
		rows = append(rows, order(one.name, 400, "import.share", func(r *dealer.Request) { s.replaceShare(t, r, one.change) }))
	}
	other := s.deal(t)
	rows = append(rows, order("a share of another dealing", 400, "import.public-shares", func(r *dealer.Request) {
		r.EncryptedKeyShares[2] = other.EncryptedKeyShares[2]
	}))
	return append(rows, memberAttacks(t, s)...)
}

// deal splits a fresh key among the signers.
func (s *stage) deal(t *testing.T) dealer.Request {
	t.Helper()
	dealt, err := dealer.Deal(s.plan(t), newSecret(t))
	if err != nil {
		t.Fatal(err)
	}
	return dealt
}

type orderEdit struct {
	name   string
	change func(*dealer.Request)
}

// orderEdits change what everybody sees of an import.
func orderEdits() []orderEdit {
	minSigners := func(n int) orderEdit {
		return orderEdit{fmt.Sprintf("minSigners %d", n), func(r *dealer.Request) { r.MinSigners = n }}
	}
	scheme := func(protocol, curve string) orderEdit {
		return orderEdit{fmt.Sprintf("scheme %s/%s", protocol, curve), func(r *dealer.Request) { r.Protocol, r.Curve = protocol, curve }}
	}
	name := func(what, name string) orderEdit { return orderEdit{what, func(r *dealer.Request) { r.Name = name }} }
	return []orderEdit{
		minSigners(0), minSigners(1), minSigners(6), minSigners(-3), minSigners(1 << 40),
		scheme("FROST", "secp256k1"), scheme("CGGMP21", "ed25519"), scheme("CGGMP21", "p256"), scheme("cggmp21", "secp256k1"),
		scheme("GG18", "secp256k1"), scheme("KU23", "ed25519"), scheme("", ""),
		name("a name of 101 letters", strings.Repeat("ä", 101)), name("a name with an escape sequence", "\x1b[2J"), name("a name with a line break", "a\nb"),
		{"no shares", func(r *dealer.Request) { r.EncryptedKeyShares = []dealer.EncryptedKeyShare{} }},
		{"a signer left out", func(r *dealer.Request) { r.EncryptedKeyShares = r.EncryptedKeyShares[1:] }},
		{"a signer twice", func(r *dealer.Request) { r.EncryptedKeyShares[1].SignerID = r.EncryptedKeyShares[0].SignerID }},
		{"a signer more", func(r *dealer.Request) {
			r.EncryptedKeyShares = append(r.EncryptedKeyShares, dealer.EncryptedKeyShare{SignerID: zeroID(), EncryptedKeyShare: "AAAA"})
		}},
		{"a signer of another cluster", func(r *dealer.Request) { r.EncryptedKeyShares[0].SignerID = zeroID() }},
		{"300 shares", func(r *dealer.Request) {
			r.EncryptedKeyShares = slices.Repeat([]dealer.EncryptedKeyShare{{SignerID: zeroID(), EncryptedKeyShare: "AAAA"}}, 300)
		}},
	}
}

func zeroID() string { return base64.StdEncoding.EncodeToString(make([]byte, 32)) }

// envelopeEdits spoil the first signer's envelope: ciphertext, tag, ephemeral key.
func envelopeEdits(t *testing.T, s *stage) []orderEdit {
	sealed := func(name string, change func(sealed []byte) []byte) orderEdit {
		return orderEdit{name, func(r *dealer.Request) {
			raw, err := base64.StdEncoding.DecodeString(r.EncryptedKeyShares[0].EncryptedKeyShare)
			if err != nil {
				t.Fatal(err)
			}
			r.EncryptedKeyShares[0].EncryptedKeyShare = base64.StdEncoding.EncodeToString(change(raw))
		}}
	}
	ephemeral := func(name string, key []byte) orderEdit {
		return sealed(name, func(b []byte) []byte { return append(b[:len(b)-33], key...) })
	}
	return []orderEdit{
		sealed("an empty envelope", func([]byte) []byte { return nil }),
		sealed("an envelope of one byte", func([]byte) []byte { return []byte{1} }),
		sealed("an envelope of 48 bytes", func(b []byte) []byte { return b[len(b)-48:] }),
		sealed("an envelope of nothing", func(b []byte) []byte { return b[len(b)-49:] }),
		sealed("a ciphertext with a bit changed", func(b []byte) []byte { b[0] ^= 1; return b }),
		sealed("a tag with a bit changed", func(b []byte) []byte { b[len(b)-34] ^= 0x80; return b }),
		sealed("an envelope that is cut off", func(b []byte) []byte { return b[:len(b)-1] }),
		sealed("an envelope that goes on", func(b []byte) []byte { return append(b, 0) }),
		sealed("a compact ephemeral key", func(b []byte) []byte { b[len(b)-33] = 5; return b }),
		sealed("an ephemeral key with prefix 4", func(b []byte) []byte { b[len(b)-33] = 4; return b }),
		ephemeral("the identity as ephemeral key", make([]byte, 33)),
		ephemeral("an ephemeral key off the curve", append([]byte{2}, bytes.Repeat([]byte{0}, 32)...)),
		ephemeral("an ephemeral key above the prime", append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)),
		{"the shares of two signers exchanged", func(r *dealer.Request) {
			list := r.EncryptedKeyShares
			list[0].EncryptedKeyShare, list[1].EncryptedKeyShare = list[1].EncryptedKeyShare, list[0].EncryptedKeyShare
		}},
		{"fewer signers than the polynomial has", func(r *dealer.Request) { r.MinSigners = 2 }},
		{"another protocol's curve", func(r *dealer.Request) { r.Protocol, r.Curve = "FROST", "ed25519" }},
		{"the stark curve", func(r *dealer.Request) { r.Curve = "stark" }},
	}
}

// memberAttacks write an import's members as what they are not.
func memberAttacks(t *testing.T, s *stage) []attack {
	good := text(t, s.deal(t))
	put := func(value string) message {
		return s.alice.signed(t, "/keys/import", strings.Replace(good, `"minSigners":3`, `"minSigners":`+value, 1))
	}
	rows := each([]named{
		{"minSigners as a text", `"3"`}, {"minSigners as a fraction", "3.0"}, {"minSigners with an exponent", "3e0"},
		{"minSigners as minus zero", "-0"}, {"minSigners above 64 bits", "18446744073709551619"}, {"minSigners null", "null"},
		{"minSigners true", "true"}, {"minSigners in an array", "[3]"}, {"a master key", `3,"masterKey":true`},
		{"a master key as a text", `3,"masterKey":"true"`}, {"a name that is a number", `3,"name":1`}, {"a scheme twice", `3,"protocol":"FROST"`},
	}, 400, "request.malformed", put)
	return append(rows, attack{"no shares member", s.alice.signed(t, "/keys/import", `{"minSigners":3,"protocol":"CGGMP21","curve":"secp256k1"}`), 400, "request.malformed"})
}
