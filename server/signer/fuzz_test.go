package signer

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"keyferry/server/fault"
	"keyferry/shares"
)

// FuzzParseImport holds that an order which parses is one that signers can act on: a
// scheme, a threshold within the number of shares, and no signer twice.
func FuzzParseImport(f *testing.F) {
	id, other := strings.Repeat("A", 43)+"=", strings.Repeat("B", 42)+"A="
	two := `[{"signerId":"` + id + `","encryptedKeyShare":"AAAA"},{"signerId":"` + other + `","encryptedKeyShare":""}]`
	for _, seed := range []string{
		`{"minSigners":2,"protocol":"FROST","curve":"ed25519","encryptedKeyShares":` + two + `,"name":"a"}`,
		`{"minSigners":2,"protocol":"CGGMP24","curve":"stark","masterKey":false,"encryptedKeyShares":` + two + `}`,
		`{"minSigners":3,"protocol":"CGGMP21","curve":"secp256k1","encryptedKeyShares":[]}`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		order, err := ParseImport(body)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %v is not the sender's fault", body, err)
			}
			return
		}
		n := len(order.Shares)
		if order.Scheme.IsZero() || order.MinSigners < shares.MinThreshold || order.MinSigners > n || n > shares.MaxShares {
			t.Fatalf("%q: %s, %d of %d", body, order.Scheme, order.MinSigners, n)
		}
		for i := range order.Shares[1:] {
			if bytes.Compare(order.Shares[i].Signer[:], order.Shares[i+1].Signer[:]) >= 0 {
				t.Fatalf("%q: signers out of order or repeated", body)
			}
		}
	})
}

// FuzzExportedKey holds that a path names one key, and is one of the two that name it.
func FuzzExportedKey(f *testing.F) {
	for _, seed := range []string{
		"/keys/key-1/export", "/wallets/wa-1/export", "/keys/wa-1/export", "/keys//export", "/keys/a/b/export", "/wallets/key-1/export", "/keys/export",
	} {
		f.Add("POST", seed)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		key, err := ExportedKey(method, path)
		if err != nil {
			return
		}
		byKey, byWallet := "/keys/"+string(key)+"/export", "/wallets/"+string(key.Wallet())+"/export"
		if method != "POST" || key == "" || path != byKey && path != byWallet || strings.Count(path, "/") != 3 {
			t.Fatalf("%s %q names %q", method, path, key)
		}
	})
}

// FuzzParseIngested holds that a receipt which parses is written in one way only, for
// every reader, and that what it says of a key is checked before it counts.
func FuzzParseIngested(f *testing.F) {
	id, hash := strings.Repeat("A", 43)+"=", strings.Repeat("0", 64)
	const points = `"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"`
	seed := `{"protocol":"CGGMP21","curve":"secp256k1","minSigners":2,"index":1,"publicShares":[` + points + `],"receipt":{"signerId":"` + id +
		`","deployment":"d","organisation":"or-1","keyId":"key-1","actionHash":"` + hash + `","vectorHash":"` + hash + `","signature":"AQ=="}}`
	if _, err := ParseIngested([]byte(seed)); err != nil {
		f.Fatal(err)
	}
	for _, change := range [][2]string{
		{"", ""}, {"CGGMP21", "CGGMP24"}, {"0279be", "0279BE"}, {`"index":1`, `"index":1,"index":2`}, {`"index":1`, `"Index":1`},
		{`"publicShares"`, `"more":1,"publicShares"`}, {"AQ==", "AR=="}, {"secp256k1", "ed25519"}, {points, ""}, {`"keyId":"key-1"`, `"keyId":"key-1"`},
	} {
		f.Add([]byte(strings.Replace(seed, change[0], change[1], 1)))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		i, err := ParseIngested(line)
		if err != nil {
			if !errors.Is(err, ErrReceipt) || !reflect.DeepEqual(i, Ingested{}) {
				t.Fatalf("%+v, %v", i, err)
			}
			return
		}
		var theirs IngestedJSON // as a reader takes it that is as lenient as they come
		if err := stdjson.Unmarshal(line, &theirs); err != nil || !reflect.DeepEqual(theirs, i.JSON()) {
			t.Fatalf("%s is also %+v, %v", line, theirs, err)
		}
		if err := i.Check(); err != nil && !errors.Is(err, ErrReceipt) {
			t.Fatal(err)
		}
	})
}
