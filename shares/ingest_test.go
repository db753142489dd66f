package shares

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"keyferry/shares/locked/lockedtest"
)

// The public shares of f(x) = x: not a sharing, but points that parse.
const plainCluster = `{"version":1,"organisation":"or-1","protocol":"CGGMP24","curve":"secp256k1","minSigners":2,"index":2,` +
	`"secretShare":"` + twoHex + `","publicShares":[` +
	`"0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798","02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"]}`

func TestClusterSharesAreRead(t *testing.T) {
	share, err := ParseClusterShare(lockedtest.Bytes(t, []byte(plainCluster)))
	if err != nil {
		t.Fatal(err)
	}
	defer share.Destroy()
	if share.Organisation != "or-1" || share.Scheme.Protocol() != "CGGMP21" || share.MinSigners != 2 || share.Position != 2 {
		t.Errorf("read as %+v", share)
	}
	if len(share.Public) != 2 || share.Secret.Bytes()[31] != 15 {
		t.Errorf("%d public shares", len(share.Public))
	}
}

func TestClusterSharesThatReadersCouldDifferOnAreRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"another version":        {`"version":1`, `"version":2`},
		"a member twice":         {`"index":2`, `"index":2,"index":2`},
		"a member missing":       {`"index":2,`, ``},
		"a fraction":             {`"index":2`, `"index":2.0`},
		"a negative number":      {`"index":2`, `"index":-2`},
		"a big number":           {`"index":2`, `"index":256`},
		"an escape":              {`"or-1"`, `"or\u002d1"`},
		"no organisation":        {`"or-1"`, `""`},
		"a long organisation":    {`"or-1"`, `"` + strings.Repeat("o", 65) + `"`},
		"an unknown protocol":    {`CGGMP24`, `GG18`},
		"a curve in capitals":    {`secp256k1`, `SECP256K1`},
		"a short secret":         {twoHex, twoHex[2:]},
		"a secret of zero":       {twoHex, strings.Repeat("0", 64)},
		"a secret above":         {twoHex, strings.Repeat("f", 64)},
		"no point":               {`"02c6`, `"09c6`},
		"a long point":           {`"02c6`, `"0202c6`},
		"half a byte":            {`"02c6`, `"2c6`},
		"something behind it":    {`]}`, `]}{}`},
		"points in no array":     {`[`, `{`},
		"too many public shares": {`"02c6`, strings.Repeat(`"00",`, 255) + `"02c6`},
	} {
		text := strings.Replace(plainCluster, change[0], change[1], 1)
		if text == plainCluster {
			t.Fatalf("%s: nothing is changed", name)
		}
		share, err := ParseClusterShare(lockedtest.Bytes(t, []byte(text)))
		if !errors.Is(err, ErrPlaintext) || share.Secret != nil {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), twoHex[:60]) {
			t.Errorf("%s: the error quotes the secret", name)
		}
	}
}

// FuzzParseClusterShare holds that a line which parses says the same to a reader that
// takes members in any case, and that its error never quotes the secret.
func FuzzParseClusterShare(f *testing.F) {
	f.Add([]byte(plainCluster))
	for _, change := range [][2]string{
		{`"index":2`, `"Index":2`}, {`"index":2`, `"index":2,"more":[{"a":"b"}]`}, {`,`, " ,\t"}, {"CGGMP24", "FROST_BITCOIN"}, {`"version":1`, `"version":1e0`},
	} {
		f.Add([]byte(strings.Replace(plainCluster, change[0], change[1], 1)))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		share, err := ParseClusterShare(lockedtest.Bytes(t, line))
		if err != nil {
			if share.Secret != nil || !errors.Is(err, ErrPlaintext) || strings.Contains(err.Error(), twoHex[:60]) {
				t.Fatalf("%v, %v", share.Secret, err)
			}
			return
		}
		defer share.Destroy()
		var theirs struct {
			Organisation, Protocol, Curve, SecretShare string
			MinSigners, Index                          int
			PublicShares                               []string
		}
		if err := json.Unmarshal(line, &theirs); err != nil {
			t.Fatal(err)
		}
		scheme, err := ParseScheme(theirs.Protocol, theirs.Curve)
		if err != nil || scheme != share.Scheme || theirs.Organisation != share.Organisation || theirs.MinSigners != share.MinSigners ||
			theirs.Index != share.Position || !strings.EqualFold(theirs.SecretShare, hex.EncodeToString(share.Secret.Bytes())) {
			t.Fatalf("%q is also %+v, %v", line, theirs, err)
		}
		if !slices.EqualFunc(theirs.PublicShares, share.Public.Hex(), strings.EqualFold) {
			t.Fatalf("%q has other public shares", line)
		}
	})
}
