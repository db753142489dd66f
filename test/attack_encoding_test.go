//go:build cgo

package test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"keyferry/shares/dealer"
)

// encodingAttacks write keys, ids and ciphertexts in other encodings than their own.
func encodingAttacks(t *testing.T, s *stage) []attack {
	good := s.exported.EncryptionKey
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	export := func(key string) message { return s.alice.signed(t, exportPath(s.victim), s.exportBody(t, key)) }
	rows := []attack{{"an encryption key as it is", s.alice.signed(t, exportPath(s.spare), s.exportBody(t, good)), 200, legitimate}}
	rows = append(rows, each([]named{
		{"an encryption key in hex", hex.EncodeToString(raw)}, {"an encryption key in base64 of base64", base64.StdEncoding.EncodeToString([]byte(good))},
		{"an encryption key without padding", strings.TrimRight(good, "=")}, {"an encryption key with more padding", good + "="},
		{"an encryption key with stray bits", withStrayBits(good)}, {"an encryption key on two lines", good[:8] + "\r\n" + good[8:]},
		{"an encryption key with a blank", good + " "}, {"an encryption key in the other alphabet", "_-" + good[2:]},
		{"an encryption key behind a scheme", "data:;base64," + good}, {"an encryption key with a zero byte", good + "\x00"},
		{"an encryption key twice", good + good}, {"an encryption key in PEM", "-----BEGIN PUBLIC KEY-----\n" + good + "\n-----END PUBLIC KEY-----\n"},
	}, 400, "request.malformed", export)...)
	return append(rows, importEncodings(t, s)...)
}

// withStrayBits sets bits that base64 has and bytes have not: the text ends in "==".
func withStrayBits(text string) string {
	at := len(text) - 3
	return text[:at] + string(text[at]+1) + text[at+1:]
}

func importEncodings(t *testing.T, s *stage) []attack {
	id := s.signers[0].SignerID
	var rows []attack
	for _, one := range []struct {
		name   string
		change func(share *dealer.EncryptedKeyShare)
	}{
		{"a signer id without padding", func(share *dealer.EncryptedKeyShare) { share.SignerID = strings.TrimRight(id, "=") }},
		{"a signer id in hex", func(share *dealer.EncryptedKeyShare) { share.SignerID = hex.EncodeToString([]byte(id)) }},
		{"a signer id of 31 bytes", func(share *dealer.EncryptedKeyShare) {
			share.SignerID = base64.StdEncoding.EncodeToString(make([]byte, 31))
		}},
		{"a signer id of 33 bytes", func(share *dealer.EncryptedKeyShare) {
			share.SignerID = base64.StdEncoding.EncodeToString(make([]byte, 33))
		}},
		{"an empty signer id", func(share *dealer.EncryptedKeyShare) { share.SignerID = "" }},
		{"a signer id that is a name", func(share *dealer.EncryptedKeyShare) { share.SignerID = "sg-00000-00000-0000000000000000" }},
		{"a ciphertext in the other alphabet", func(share *dealer.EncryptedKeyShare) { share.EncryptedKeyShare = "-_" + share.EncryptedKeyShare[2:] }},
		{"a ciphertext without padding", func(share *dealer.EncryptedKeyShare) { share.EncryptedKeyShare = "AA" }},
		{"a ciphertext on two lines", func(share *dealer.EncryptedKeyShare) {
			share.EncryptedKeyShare = share.EncryptedKeyShare[:8] + "\n" + share.EncryptedKeyShare[8:]
		}},
	} {
		order := s.deal(t)
		one.change(&order.EncryptedKeyShares[0])
		rows = append(rows, attack{one.name, s.alice.signed(t, "/keys/import", text(t, order)), 400, "request.malformed"})
	}
	return rows
}
