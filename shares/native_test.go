package shares

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
)

// nativeCluster is what a library's dealer dealt; see test/cggmp21.
type nativeCluster struct {
	library   Library
	name      string
	n, t      int
	hd, whole bool // whole: core and aux, not the core alone
}

func nativeClusters() []nativeCluster {
	return []nativeCluster{
		{library: CGGMP21, name: "cggmp21-secp256k1-3of5", n: 5, t: 3, whole: true},
		{library: CGGMP21, name: "cggmp24-secp256k1-2of3-hd", n: 3, t: 2, hd: true, whole: true},
		{library: CGGMP21, name: "cggmp24-stark-2of3", n: 3, t: 2, whole: true},
		{library: CGGMP21, name: "core-secp256k1-additive-3", n: 3, t: 3},
		{library: CGGMP21, name: "core-secp256k1-2of3-points-3-1-2", n: 3, t: 2},
		{library: Givre, name: "core-secp256k1-2of3-points-3-1-2", n: 3, t: 2},
		{library: Givre, name: "core-ed25519-2of3", n: 3, t: 2},
		{library: Givre, name: "core-ed25519-additive-3", n: 3, t: 3},
	}
}

// nativeLines returns a cluster's shares, a line each, and its private key.
func nativeLines(t testing.TB, name string) (lines []string, key []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "native", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join("testdata", "native", name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	if key, err = hex.DecodeString(strings.TrimSpace(string(written))); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), key
}

func parseNative(t testing.TB, line string, library Library) NativeShare {
	t.Helper()
	share, err := ParseNativeShare(lockedtest.Bytes(t, []byte(line)), library)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(share.Destroy)
	return share
}

func TestNativeSharesGiveTheKeyThatTheLibrarysDealerDealt(t *testing.T) {
	for _, c := range nativeClusters() {
		t.Run(string(c.library)+" "+c.name, func(t *testing.T) {
			lines, key := nativeLines(t, c.name)
			if len(lines) != c.n {
				t.Fatalf("%d shares", len(lines))
			}
			var all []Share
			var vector [32]byte
			for i, line := range lines {
				share := parseNative(t, line, c.library)
				if err := share.Check(); err != nil {
					t.Fatalf("party %d: %v", i, err)
				}
				if i == 0 {
					vector = share.Public.Hash()
				}
				if share.MinSigners != c.t || share.HasChainCode != c.hd || share.Public.Hash() != vector || strings.Contains(line, `"aux"`) != c.whole {
					t.Errorf("party %d: minSigners %d, chain code %v", i, share.MinSigners, share.HasChainCode)
				}
				all = append(all, Share{share.Scheme.Curve(), IndexOf(share.Position), share.Secret})
			}
			for from := 0; from+c.t <= len(all); from++ {
				if got := interpolated(t, all[from:from+c.t]); !bytes.Equal(got.Bytes(), key) {
					t.Errorf("shares %d to %d give another key", from, from+c.t-1)
				}
			}
		})
	}
}

func interpolated(t *testing.T, shares []Share) *locked.Buffer {
	t.Helper()
	secret, err := Interpolate(shares)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secret.Destroy)
	return secret
}

func TestNativeSharesAreFiledUnderTheSchemeOfTheirLibrary(t *testing.T) {
	for name, want := range map[string]string{
		"cggmp21 cggmp24-stark-2of3":               "CGGMP21/stark",
		"cggmp21 core-secp256k1-2of3-points-3-1-2": "CGGMP21/secp256k1",
		"givre core-secp256k1-2of3-points-3-1-2":   "FROST_BITCOIN/secp256k1",
		"givre core-ed25519-2of3":                  "FROST/ed25519",
	} {
		library, cluster, _ := strings.Cut(name, " ")
		lines, _ := nativeLines(t, cluster)
		if got := parseNative(t, lines[0], Library(library)).Scheme.String(); got != want {
			t.Errorf("%s is filed under %s", name, got)
		}
	}
}

// A party's place in the cluster is not where its share lies.
func TestNativeShareLiesAtItsPointNotAtItsPartysNumber(t *testing.T) {
	lines, _ := nativeLines(t, "core-secp256k1-2of3-points-3-1-2")
	for i, want := range []int{3, 1, 2} {
		if got := parseNative(t, lines[i], CGGMP21).Position; got != want {
			t.Errorf("party %d has index %d, want %d", i, got, want)
		}
	}
}

func TestNativeSharesAtOtherPointsThanOneToNAreRefused(t *testing.T) {
	lines, _ := nativeLines(t, "core-secp256k1-2of3-points-1-2-4")
	for i, line := range lines {
		_, err := ParseNativeShare(lockedtest.Bytes(t, []byte(line)), CGGMP21)
		if !errors.Is(err, ErrPlaintext) || !strings.Contains(err.Error(), "have the cluster share it anew") {
			t.Errorf("party %d: %v", i, err)
		}
	}
}

func TestNativeKeySharesCoreIsReadByItself(t *testing.T) {
	lines, _ := nativeLines(t, "cggmp21-secp256k1-3of5")
	for _, line := range lines {
		var parts struct{ Core json.RawMessage }
		if err := json.Unmarshal([]byte(line), &parts); err != nil {
			t.Fatal(err)
		}
		whole, core := parseNative(t, line, CGGMP21), parseNative(t, string(parts.Core), CGGMP21)
		if !bytes.Equal(whole.Secret.Bytes(), core.Secret.Bytes()) || whole.Position != core.Position || whole.Public.Hash() != core.Public.Hash() {
			t.Errorf("party %d is another share without its auxiliary part", whole.Position-1)
		}
	}
}

// Early versions of the library wrote the points with their curve, and null for what a
// share has not.
func TestNativeSharesOfEarlyVersionsAreRead(t *testing.T) {
	lines, _ := nativeLines(t, "core-ed25519-2of3")
	early := lines[1]
	for _, point := range []string{"1", "2", "3"} {
		short := `"` + strings.Repeat("0", 63) + point + `"`
		early = strings.Replace(early, short, `{"curve":"ed25519","scalar":`+short+`}`, 1)
	}
	early = strings.Replace(early, `"vss_setup"`, `"chain_code":null,"vss_setup"`, 1)
	if strings.Count(early, `"scalar"`) != 3 {
		t.Fatalf("not rewritten: %s", early)
	}
	now, then := parseNative(t, lines[1], Givre), parseNative(t, early, Givre)
	if !bytes.Equal(now.Secret.Bytes(), then.Secret.Bytes()) || now.Position != then.Position || then.HasChainCode {
		t.Error("another share")
	}
	mixed := strings.Replace(early, `"curve":"ed25519","scalar"`, `"curve":"stark","scalar"`, 1)
	if _, err := ParseNativeShare(lockedtest.Bytes(t, []byte(mixed)), Givre); !errors.Is(err, ErrPlaintext) {
		t.Errorf("points of two curves: %v", err)
	}
}

func TestNativeSharesThatReadersCouldDifferOnAreRefused(t *testing.T) {
	lines, _ := nativeLines(t, "core-secp256k1-2of3-points-3-1-2")
	whole, _ := nativeLines(t, "cggmp24-stark-2of3")
	hd, _ := nativeLines(t, "cggmp24-secp256k1-2of3-hd")
	secret := lines[0][strings.Index(lines[0], `"x":"`)+5:][:64]
	public := parseNative(t, lines[0], CGGMP21).Public
	for name, change := range map[string][3]string{
		"a member twice":               {lines[0], `"i":0`, `"i":0,"i":0`},
		"an unknown member":            {lines[0], `"i":0`, `"i":0,"j":0`},
		"a member missing":             {lines[0], `"i":0,`, ``},
		"a party that there is not":    {lines[0], `"i":0`, `"i":3`},
		"a negative party":             {lines[0], `"i":0`, `"i":-1`},
		"a curve that is not known":    {lines[0], `"secp256k1"`, `"secp256r1"`},
		"another curve":                {lines[0], `"secp256k1"`, `"stark"`},
		"a secret of zero":             {lines[0], secret, strings.Repeat("0", 64)},
		"a secret above the order":     {lines[0], secret, strings.Repeat("f", 64)},
		"a short secret":               {lines[0], secret, secret[2:]},
		"another public key":           {lines[0], `"shared_public_key":"`, `"shared_public_key":"` + public[0].Hex() + `","was":"`},
		"a public key that is another": {lines[0], sharedKey(lines[0]), public[0].Hex()},
		"no point":                     {lines[0], public[1].Hex(), "04" + public[1].Hex()[2:]},
		"half a byte":                  {lines[0], public[1].Hex(), public[1].Hex()[1:]},
		"a public share twice":         {lines[0], public[1].Hex(), public[0].Hex()},
		"vss_setup without points":     {lines[0], `"I":[`, `"J":[`},
		"a point twice":                {lines[0], strings.Repeat("0", 63) + "1", strings.Repeat("0", 63) + "2"},
		"a point of zero":              {lines[0], strings.Repeat("0", 63) + "1", strings.Repeat("0", 64)},
		"a point too many":             {lines[0], `"I":[`, `"I":["` + strings.Repeat("0", 63) + `4",`},
		"something behind it":          {lines[0], `"curve"`, `"chain_code":null},{"curve"`},
		"a short chain code":           {hd[0], `"chain_code":"`, `"chain_code":"00`},
		"aux and no core":              {whole[0], `{"core":`, `{"kernel":`},
		"aux beside a bare core":       {lines[0], `"i":0`, `"i":0,"aux":{}`},
		"core and no aux":              {whole[0], `"aux":`, `"x":`},
		"core in core":                 {whole[0], `{"core":{`, `{"core":{"core":{},`},
		"a member of core outside":     {whole[0], `"aux":`, `"i":0,"aux":`},
	} {
		text := strings.Replace(change[0], change[1], change[2], 1)
		if text == change[0] {
			t.Fatalf("%s: nothing is changed", name)
		}
		share, err := ParseNativeShare(lockedtest.Bytes(t, []byte(text)), CGGMP21)
		if !errors.Is(err, ErrPlaintext) || share.Secret != nil {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), secret[:60]) {
			t.Errorf("%s: the error quotes the secret", name)
		}
	}
	if _, err := ParseNativeShare(lockedtest.Bytes(t, []byte(whole[0])), Givre); !errors.Is(err, ErrPlaintext) {
		t.Errorf("a CGGMP key share as givre's: %v", err)
	}
}

func sharedKey(line string) string {
	return line[strings.Index(line, `"shared_public_key":"`)+len(`"shared_public_key":"`):][:66]
}

// A share that is not its public share's parses, and is found out when it is checked.
func TestNativeShareOfAnotherPartyIsFoundOut(t *testing.T) {
	for _, name := range []string{"core-secp256k1-2of3-points-3-1-2", "core-secp256k1-additive-3"} {
		lines, _ := nativeLines(t, name)
		if err := parseNative(t, strings.Replace(lines[0], `"i":0`, `"i":1`, 1), CGGMP21).Check(); !errors.Is(err, ErrPolynomial) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lines, _ := nativeLines(t, "core-secp256k1-2of3-points-3-1-2")
	if err := parseNative(t, strings.Replace(lines[0], `"min_signers":2`, `"min_signers":3`, 1), CGGMP21).Check(); !errors.Is(err, ErrPolynomial) {
		t.Errorf("another threshold: %v", err)
	}
}

// What parses has a secret in range, a public key, a place among its public shares, and
// does not depend on what is in the buffer afterwards.
func FuzzParseNativeShare(f *testing.F) {
	seeds := 0
	for _, c := range nativeClusters() {
		lines, _ := nativeLines(f, c.name)
		for _, line := range lines {
			f.Add([]byte(line), c.library == Givre)
			seeds++
		}
	}
	if seeds != 26 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, text []byte, givre bool) {
		library := CGGMP21
		if givre {
			library = Givre
		}
		line := lockedtest.Bytes(t, text)
		share, err := ParseNativeShare(line, library)
		if err != nil {
			if share.Secret != nil || !errors.Is(err, ErrPlaintext) {
				t.Fatalf("error %v, secret %v", err, share.Secret)
			}
			return
		}
		defer share.Destroy()
		clear(line.Bytes())
		if !utf8.Valid(text) || share.Scheme.IsZero() || share.Organisation != "" {
			t.Fatal("accepted what is not UTF-8, or without a scheme")
		}
		if share.Position < 1 || share.Position > len(share.Public) {
			t.Fatalf("position %d of %d", share.Position, len(share.Public))
		}
		if err := share.Scheme.Curve().CheckScalar(share.Secret.Bytes()); err != nil {
			t.Fatal(err)
		}
		if _, err := share.Public.PublicKey(); err != nil {
			t.Fatal(err)
		}
	})
}
