package trust_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"keyferry/server/identity"
	"keyferry/server/signer/trust"
	"keyferry/shares/locked/lockedtest"
)

// fixedRootKey is the same in every run, or no corpus would be good for long.
const fixedRootKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n-----END PRIVATE KEY-----\n"

func fixedRoot(t testing.TB) *trust.RootKey {
	t.Helper()
	k, err := trust.ParseRootKey(lockedtest.Bytes(t, []byte(fixedRootKey)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Destroy)
	return k
}

// fixedDocument has no key that is new in every run.
func fixedDocument(t testing.TB) trust.Document {
	t.Helper()
	d := document(t)
	public := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public()
	d.Credentials = []trust.Credential{{ID: key, User: alice, Kind: identity.KeyCredential, PublicKey: publicPEM(t, public), Active: true}}
	return d
}

// FuzzParse holds that a text which parses is a document with one spelling, and that a
// reader who takes members in any case reads the same from that spelling.
func FuzzParse(f *testing.F) {
	d := fixedDocument(f)
	text := marshal(f, d)
	f.Add(text)
	f.Add(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n\t")))
	f.Add(bytes.Replace(text, []byte(`"active"`), []byte(`"Active"`), 1))
	d.RelyingParty.Origins = nil
	d.RelyingParty.ID, d.Revocations = "", nil
	f.Add(marshal(f, d))
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := trust.Parse(text)
		if err != nil {
			if !reflect.DeepEqual(d, trust.Document{}) {
				t.Fatalf("half done: %+v, %v", d, err)
			}
			return
		}
		spelled := marshal(t, d)
		if again, err := trust.Parse(spelled); err != nil || !bytes.Equal(marshal(t, again), spelled) || len(again.Diff(d)) != 0 {
			t.Fatalf("%s: %v", spelled, err)
		}
		var theirs struct {
			Deployment, Organisation string
			Serial                   uint64
			MinSigners               int
			Export                   struct{ Active bool }
			Credentials              []struct {
				ID     string
				Active bool
			}
		}
		if err := json.Unmarshal(spelled, &theirs); err != nil {
			t.Fatal(err)
		}
		if theirs.Deployment != d.Deployment || theirs.Organisation != string(d.Org) || theirs.Serial != d.Serial ||
			theirs.MinSigners != d.MinSigners || theirs.Export.Active != d.Export.Active || len(theirs.Credentials) != len(d.Credentials) {
			t.Fatalf("%s is also %+v", spelled, theirs)
		}
		for i, c := range d.Credentials {
			if theirs.Credentials[i].ID != string(c.ID) || theirs.Credentials[i].Active != c.Active {
				t.Fatalf("%s is also %+v", spelled, theirs)
			}
		}
	})
}

// FuzzVerify holds that nothing verifies but the files that the root signed, to the
// byte, and that whoever looks at such a file sees what signers believe.
func FuzzVerify(f *testing.F) {
	root := fixedRoot(f)
	first := fixedDocument(f)
	second := first
	second.Serial++
	second.Export.Active = false
	honest := map[string]bool{}
	for _, d := range []trust.Document{first, second} {
		file := sign(f, d, root).File()
		honest[string(file)] = true
		f.Add(file)
		f.Add(bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")))
		f.Add(append(file, '\n'))
		f.Add(marshal(f, d))
	}
	f.Add(sign(f, first, newRootKey(f)).File())
	if len(honest) != 2 {
		f.Fatalf("%d signed files", len(honest))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		seen, looking := trust.Peek(file)
		s, err := trust.Verify(file, root.Public())
		if (err == nil) != honest[string(file)] || s.IsZero() != (err != nil) {
			t.Fatalf("%q: %v", file, err)
		}
		if err == nil && (looking != nil || len(seen.Diff(s.Document())) != 0) {
			t.Fatalf("%q shows %+v, %v", file, seen, looking)
		}
	})
}

// FuzzParseRoot holds that a root's text is one key and nothing else around it.
func FuzzParseRoot(f *testing.F) {
	text, err := fixedRoot(f).Public().PEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.TrimSpace(text))
	f.Add(append([]byte("\n"), text...))
	f.Add(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	f.Add([]byte(newECDSA(f, elliptic.P256())))
	f.Add(append(text, text...))
	f.Add(append([]byte("the old one:\n"), text...))
	f.Add(bytes.Replace(text, []byte("\n"), []byte("\nComment: x\n\n"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		root, err := trust.ParseRoot(text)
		if err != nil {
			if !root.IsZero() {
				t.Fatalf("%q: %v, %v", text, root, err)
			}
			return
		}
		written, err := root.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if plain(text) != plain(written) {
			t.Fatalf("%q is also %q", text, written)
		}
		if again, err := trust.ParseRoot(written); err != nil || again != root {
			t.Fatalf("%q: %v", written, err)
		}
	})
}

// plain is a text without its blanks and ends of lines.
func plain(text []byte) string { return strings.Join(strings.Fields(string(text)), "") }

// FuzzParseRootKey holds that a root key has one text, which is written as it was read.
func FuzzParseRootKey(f *testing.F) {
	f.Add([]byte(fixedRootKey))
	f.Add([]byte(strings.Replace(fixedRootKey, "MC4C", "MC4D", 1)))
	f.Add([]byte(strings.Replace(fixedRootKey, "Hh8g\n", "Hh8=\n", 1)))
	f.Add([]byte(strings.Replace(fixedRootKey, "AQID", "A\r\nD", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := trust.ParseRootKey(lockedtest.Bytes(t, text))
		if err != nil {
			if k != nil || err != trust.ErrRootKey {
				t.Fatalf("%v, %v", k, err)
			}
			return
		}
		defer k.Destroy()
		written, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		defer written.Destroy()
		if !bytes.Equal(written.Bytes(), text) || k.Public().IsZero() {
			t.Fatal("it is written in another way")
		}
	})
}
