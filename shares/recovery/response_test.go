package recovery

import (
	"errors"
	"strings"
	"testing"

	"keyferry/shares/internal/vectors"
)

func TestMalformedResponsesAreRefused(t *testing.T) {
	good := string(vectors.Load(t).Export[0].Response)
	if _, err := ParseResponse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	insert := func(member string) string { return strings.Replace(good, "{", "{"+member+",", 1) }
	for name, text := range map[string]string{
		"empty":               "",
		"null":                "null",
		"array":               "[]",
		"two values":          good + good,
		"member twice":        insert(`"minSigners": 3`),
		"unknown twice":       insert(`"a":1,"a":2`),
		"member null":         strings.Replace(good, `"CGGMP21"`, `null`, 1),
		"member in caps":      strings.Replace(good, `"protocol"`, `"Protocol"`, 1),
		"not UTF-8":           insert("\"a\":\"\xff\""),
		"minSigners 3.5":      insertMinSigners(t, good, "3.5"),
		"minSigners 2^32":     insertMinSigners(t, good, "4294967296"),
		"no signer id":        strings.Replace(good, `"signerId"`, `"id"`, 1),
		"line break in share": strings.Replace(good, `"encryptedKeyShare": "`, `"encryptedKeyShare": "\n`, 1),
		"stray bits in id":    strings.Replace(good, `12c="`, `12d="`, 1),
		"too long":            good + strings.Repeat(" ", maxResponse),
	} {
		if text == good {
			t.Errorf("%s: nothing was changed", name)
		}
		if r, err := ParseResponse([]byte(text)); !errors.Is(err, ErrResponse) || len(r.Shares) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func insertMinSigners(t *testing.T, text, value string) string {
	t.Helper()
	before, after, found := strings.Cut(text, `"minSigners": 3`)
	if !found {
		t.Fatal("no minSigners in the vector")
	}
	return before + `"minSigners": ` + value + after
}

// What parses has everything that Recover relies on.
func FuzzParseResponse(f *testing.F) {
	file := vectors.Load(f)
	seeds := 0
	for _, v := range file.Export {
		f.Add([]byte(v.Response))
		seeds++
	}
	for _, v := range file.Tolerance {
		f.Add([]byte(v.Response))
		seeds++
	}
	if seeds != 14 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseResponse(text)
		if err != nil {
			return
		}
		if r.Scheme.IsZero() || r.PublicKey.Curve() != r.Scheme.Curve() || r.checkThreshold() != nil {
			t.Fatalf("parsed to %v", r)
		}
		if again, err := r.Scheme.Curve().ParsePoint(r.PublicKey.Bytes()); err != nil || again != r.PublicKey {
			t.Fatalf("public key %s: %v", r.PublicKey, err)
		}
	})
}
