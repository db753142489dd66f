package signer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"keyferry/server/fault"
	"keyferry/shares"
	"keyferry/shares/manifest"
)

// vectors is what these tests need of the shared wire vectors.
type vectors struct {
	Export []struct {
		Protocol, Curve string
		Request         json.RawMessage
	}
	Import []struct {
		Protocol, Curve string
		MinSigners      int
		PublicKeyHex    string
		RequestBodyJSON string `json:"requestBodyJson"`
		Signers         []struct{ SignerID string }
	}
	Negative []struct {
		ID, Kind, EncryptionKey string
		ImportVector            int
		Body                    json.RawMessage
	}
}

func loadVectors(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("../../shares/testdata/dfns-wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func isMalformed(err error) bool {
	return fault.KindOf(err) == fault.Invalid && fault.ReasonOf(err) == "request.malformed"
}

func TestParseExportReadsWhatClientsSend(t *testing.T) {
	for _, v := range loadVectors(t).Export {
		order, err := ParseExport(v.Request)
		if err != nil {
			t.Fatal(err)
		}
		scheme, err := shares.ParseScheme(v.Protocol, v.Curve)
		if err != nil {
			t.Fatal(err)
		}
		if spelling, err := order.Spelling(scheme); err != nil || spelling != v.Protocol {
			t.Errorf("%s/%s is answered as %q, %v", v.Protocol, v.Curve, spelling, err)
		}
	}
}

func TestParseExportRefusesEveryBadEncryptionKey(t *testing.T) {
	tried := 0
	for _, v := range loadVectors(t).Negative {
		if v.Kind != "encryptionKey" {
			continue
		}
		tried++
		body := fmt.Sprintf(`{"encryptionKey":%q,"supportedSchemes":[{"protocol":"CGGMP21","curve":"secp256k1"}]}`, v.EncryptionKey)
		if _, err := ParseExport([]byte(body)); !isMalformed(err) {
			t.Errorf("%s: got %v", v.ID, err)
		}
	}
	if tried < 14 {
		t.Errorf("only %d vectors", tried)
	}
}

const goodKey = "AQKOmawcO67psNSj1V5cwjijXFkDpGYj9u7HFYMteseAbg=="

func exportBody(schemes string) []byte {
	return []byte(`{"encryptionKey":"` + goodKey + `","supportedSchemes":` + schemes + `}`)
}

func TestSpellingFollowsTheClient(t *testing.T) {
	scheme, err := shares.ParseScheme("CGGMP21", "secp256k1")
	if err != nil {
		t.Fatal(err)
	}
	for schemes, want := range map[string]string{
		`[{"protocol":"CGGMP21","curve":"secp256k1"}]`:                                              "CGGMP21",
		`[{"protocol":"CGGMP24","curve":"secp256k1"}]`:                                              "CGGMP24",
		`[{"protocol":"CGGMP24","curve":"secp256k1"},{"protocol":"CGGMP21","curve":"secp256k1"}]`:   "CGGMP21",
		`[{"protocol":"KU23","curve":"x"},{"protocol":"CGGMP24","curve":"secp256k1","more":[1,2]}]`: "CGGMP24",
		`[{"protocol":"CGGMP21","curve":"stark"},{"protocol":"FROST_BITCOIN","curve":"secp256k1"}]`: "",
		`[{"protocol":"cggmp21","curve":"secp256k1"}]`:                                              "",
	} {
		order, err := ParseExport(exportBody(schemes))
		if err != nil {
			t.Fatalf("%s: %v", schemes, err)
		}
		got, err := order.Spelling(scheme)
		if got != want || (want == "") != errors.Is(err, ErrScheme) {
			t.Errorf("%s: got %q, %v", schemes, got, err)
		}
	}
}

func TestParseExportRefusesBadShapes(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":           ``,
		"an array":          `[]`,
		"no key":            `{"supportedSchemes":[]}`,
		"no schemes":        `{"encryptionKey":"` + goodKey + `"}`,
		"empty schemes":     string(exportBody(`[]`)),
		"null schemes":      string(exportBody(`null`)),
		"a scheme string":   string(exportBody(`["CGGMP21"]`)),
		"a curveless one":   string(exportBody(`[{"protocol":"CGGMP21"}]`)),
		"snake case":        `{"encryption_key":"` + goodKey + `","supported_schemes":[]}`,
		"two keys":          `{"encryptionKey":"` + goodKey + `",` + string(exportBody(`[]`))[1:],
		"too many schemes":  string(exportBody(`[` + strings.Repeat(`{"protocol":"a","curve":"b"},`, maxSchemes) + `{"protocol":"a","curve":"b"}]`)),
		"a key with spaces": `{"encryptionKey":" ` + goodKey + `","supportedSchemes":[{"protocol":"a","curve":"b"}]}`,
		"a broken line":     `{"encryptionKey":"` + goodKey[:20] + `\n` + goodKey[20:] + `","supportedSchemes":[{"protocol":"a","curve":"b"}]}`,
	} {
		if _, err := ParseExport([]byte(body)); !isMalformed(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func clusterOf(t *testing.T, ids []struct{ SignerID string }) []ID {
	t.Helper()
	var cluster []ID
	for _, s := range ids {
		id, err := manifest.ParseID(s.SignerID)
		if err != nil {
			t.Fatal(err)
		}
		cluster = append(cluster, id)
	}
	slices.SortFunc(cluster, ID.Compare)
	return cluster
}

func TestParseImportReadsWhatClientsSend(t *testing.T) {
	for _, v := range loadVectors(t).Import {
		order, err := ParseImport([]byte(v.RequestBodyJSON))
		if err != nil {
			t.Fatalf("%s/%s: %v", v.Protocol, v.Curve, err)
		}
		if order.MinSigners != v.MinSigners || order.Scheme.String() != v.Protocol+"/"+v.Curve || len(order.Shares) != 5 {
			t.Errorf("got %+v", order)
		}
		if err := order.IsFor(clusterOf(t, v.Signers)); err != nil {
			t.Error(err)
		}
	}
}

// The import vectors that can be refused without opening a share; the others are the
// node's to refuse.
func TestImportVectorsThatNameWrongSignersAreRefused(t *testing.T) {
	all := loadVectors(t)
	want := []string{"imp-missing-signer", "imp-duplicate-signer", "imp-unknown-signer", "imp-scheme"}
	for _, v := range all.Negative {
		if !slices.Contains(want, v.ID) {
			continue
		}
		want = slices.DeleteFunc(want, func(id string) bool { return id == v.ID })
		order, err := ParseImport(v.Body)
		if err == nil {
			err = order.IsFor(clusterOf(t, all.Import[v.ImportVector].Signers))
		}
		if !isMalformed(err) {
			t.Errorf("%s: got %v", v.ID, err)
		}
	}
	if len(want) > 0 {
		t.Errorf("no vectors %v", want)
	}
}

func TestParseImportRefusesBadShapes(t *testing.T) {
	good := loadVectors(t).Import[0].RequestBodyJSON
	if _, err := ParseImport([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, replace := range map[string][2]string{
		"minSigners 0":          {`"minSigners":3`, `"minSigners":0`},
		"minSigners 1":          {`"minSigners":3`, `"minSigners":1`},
		"minSigners 6":          {`"minSigners":3`, `"minSigners":6`},
		"minSigners negative":   {`"minSigners":3`, `"minSigners":-3`},
		"minSigners fractional": {`"minSigners":3`, `"minSigners":3.0`},
		"minSigners a string":   {`"minSigners":3`, `"minSigners":"3"`},
		"no minSigners":         {`"minSigners":3`, `"minsigners":3`},
		"masterKey":             {`"minSigners":3`, `"minSigners":3,"masterKey":true`},
		"a long name":           {`"minSigners":3`, `"minSigners":3,"name":"` + strings.Repeat("ä", 101) + `"`},
		"a name with NUL":       {`"minSigners":3`, `"minSigners":3,"name":"a\u0000b"`},
		"a null name":           {`"minSigners":3`, `"minSigners":3,"name":null`},
		"an unknown protocol":   {`"CGGMP21"`, `"GG18"`},
		"another case":          {`"secp256k1"`, `"Secp256k1"`},
		"url-safe base64":       {`"encryptedKeyShare":"`, `"encryptedKeyShare":"-_`},
		"shares as an object":   {`"encryptedKeyShares":[`, `"more":[`},
	} {
		body := strings.Replace(good, replace[0], replace[1], 1)
		if body == good {
			t.Fatalf("%s: nothing was replaced", name)
		}
		if _, err := ParseImport([]byte(body)); !isMalformed(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestParseIDReadsOneSpellingOnly(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	if id, err := manifest.ParseID(good); err != nil || id.String() != good {
		t.Fatalf("got %v, %v", id, err)
	}
	for _, text := range []string{"", good[:43], good + "=", good[:42] + "B=", "\n" + good, good[:40], base64.StdEncoding.EncodeToString(make([]byte, 33)), "sg-1234"} {
		if _, err := manifest.ParseID(text); err == nil {
			t.Errorf("read %q", text)
		}
	}
}

func TestExportedKeyReadsOnlyExports(t *testing.T) {
	if id, err := ExportedKey("POST", "/keys/key-1/export"); err != nil || id != "key-1" {
		t.Errorf("got %q, %v", id, err)
	}
	if id, err := ExportedKey("POST", "/wallets/wa-1/export"); err != nil || id != "key-1" {
		t.Errorf("a wallet: %q, %v", id, err)
	}
	for _, request := range [][2]string{
		{"GET", "/wallets/wa-1/export"}, {"POST", "/wallets/wa-/export"}, {"POST", "/wallets//export"},
		{"POST", "/wallets/wa-1/more/export"}, {"POST", "/wallets/wa-1"}, {"POST", "/wallets/import"}, {"POST", "/keys/wallets/wa-1/export"},
		{"GET", "/keys/key-1/export"}, {"POST", "/keys/import"}, {"POST", "/keys/key-1"}, {"POST", "/keys//export"}, {"POST", "/keys/export"},
		{"POST", "/keys/a/b/export"}, {"POST", "/wallets/key-1/export"}, {"POST", "/keys/" + strings.Repeat("a", 65) + "/export"}, {"POST", ""},
	} {
		if id, err := ExportedKey(request[0], request[1]); err == nil {
			t.Errorf("%v names the key %q", request, id)
		}
	}
}

func FuzzParseExport(f *testing.F) {
	f.Add([]byte(exportBody(`[{"protocol":"CGGMP21","curve":"secp256k1"}]`)))
	f.Add([]byte(`{"encryptionKey":"AQ==","supportedSchemes":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		order, err := ParseExport(body)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%q: %v is not the sender's fault", body, err)
			}
			return
		}
		if raw := order.EncryptionKey.Bytes(); len(raw) != 34 || raw[0] != 1 || raw[1] != 2 && raw[1] != 3 {
			t.Fatalf("%q gave the encryption key %x", body, raw)
		}
	})
}
