package signer

import (
	"bytes"
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
