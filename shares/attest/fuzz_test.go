package attest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"keyferry/shares/attest"
	"keyferry/shares/attest/attesttest"
	"keyferry/shares/manifest"
)

// FuzzParseSigners holds that what passes for the pinned cluster lists its signers with
// their own keys, each once.
func FuzzParseSigners(f *testing.F) {
	c := attesttest.Recorded(f)
	listing := c.Listing()
	repeated, spoiled := slices.Clone(listing), slices.Clone(listing)
	repeated[0], spoiled[0].EncryptionKey = repeated[1], listing[1].EncryptionKey
	for _, signers := range [][]manifest.MemberJSON{listing, repeated, spoiled, listing[1:], nil} {
		f.Add(encode(f, map[string]any{"clusters": []any{map[string]any{"signers": signers}}}))
	}
	f.Add([]byte(`{"clusters":[{"signers":[{}]},{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		listed, err := attest.ParseSigners(text)
		if err != nil {
			if listed != nil || !errors.Is(err, attest.ErrAnswer) {
				t.Fatalf("%+v, %v", listed, err)
			}
			return
		}
		if err := attest.Signers(c.Manifest, listed); err != nil {
			if !errors.Is(err, attest.ErrSigners) {
				t.Fatal(err)
			}
			return
		}
		if len(listed) != len(listing) {
			t.Fatalf("%d signers pass", len(listed))
		}
		for _, pinned := range listing {
			if !slices.ContainsFunc(listed, func(m manifest.MemberJSON) bool {
				return m.SignerID == pinned.SignerID && m.EncryptionKey == pinned.EncryptionKey && reflect.DeepEqual(m.IdentityKeys, pinned.IdentityKeys)
			}) {
				t.Fatalf("%s passes without signer %s", text, pinned.SignerID)
			}
		}
	})
}

// FuzzParseExport holds that an answer has one meaning, and that only shares pass which
// signers have sealed and stated, for the key that they are shares of.
func FuzzParseExport(f *testing.F) {
	c := attesttest.Recorded(f)
	honest := c.Export
	swapped, short, unstated := honest.Copy(), honest.Copy(), honest.Copy()
	swapped.Shares[0], swapped.Shares[1] = swapped.Shares[1], swapped.Shares[0]
	swapped.Shares[2].EncryptedKeyShare = swapped.Shares[3].EncryptedKeyShare
	short.Shares, unstated.Statements = short.Shares[:attesttest.MinSigners], nil
	for _, answer := range []attesttest.Answer{honest, swapped, short, unstated, c.Elsewhere} {
		f.Add(encode(f, answer))
	}
	f.Add([]byte(strings.Replace(string(encode(f, honest)), "CGGMP21", "CGGMP24", 1)))
	sealed := map[string]string{}
	for _, share := range honest.Shares {
		sealed[share.SignerID] = share.EncryptedKeyShare
	}
	want := attest.Expectation{Organisation: attesttest.Organisation, Key: attesttest.Key, EncryptionKey: c.EncryptionKey}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := attest.ParseExport(text)
		if err != nil {
			if !errors.Is(err, attest.ErrAnswer) || e.Shares != nil {
				t.Fatalf("%+v, %v", e, err)
			}
			return
		}
		verdict, err := attest.Shares(c.Manifest, want, e)
		if err != nil {
			if !errors.Is(err, attest.ErrExport) && !errors.Is(err, attest.ErrQuorum) || verdict.Good != nil {
				t.Fatalf("%+v, %v", verdict, err)
			}
			return
		}
		if e.PublicKey.Hex() != honest.PublicKey || e.Scheme.Protocol() != honest.Protocol || len(verdict.Good) < attesttest.MinSigners {
			t.Fatalf("%s passes", text)
		}
		for _, good := range verdict.Good {
			if share := e.Shares[good.Share]; sealed[share.SignerID] != base64.StdEncoding.EncodeToString(share.Ciphertext) {
				t.Fatalf("%s: another share of signer %s passes", text, share.SignerID)
			}
		}
	})
}

func encode(f *testing.F, value any) []byte {
	f.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		f.Fatal(err)
	}
	return text
}
