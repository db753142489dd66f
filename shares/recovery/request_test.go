package recovery

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"keyferry/shares"
)

func TestParseRequestReadsWhatAContextAsksFor(t *testing.T) {
	home, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Destroy()
	text, err := json.Marshal(home.Request())
	if err != nil {
		t.Fatal(err)
	}
	for name, spelled := range map[string]string{
		"as it is": string(text), "with more": strings.Replace(string(text), "{", "{\n \"note\": [1], ", 1),
	} {
		r, err := ParseRequest([]byte(spelled))
		if err != nil || r.EncryptionKey != home.Request().EncryptionKey || !slices.Equal(r.SupportedSchemes, home.Request().SupportedSchemes) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if key, err := r.Key(); err != nil || key != home.EncryptionKey() {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
	for name, spoiled := range map[string]string{
		"nothing":         "",
		"a truncated one": string(text[:len(text)-1]),
		"two":             string(text) + string(text),
		"a member twice":  strings.Replace(string(text), "{", `{"encryptionKey":"x",`, 1),
		"no key":          strings.Replace(string(text), "encryptionKey", "EncryptionKey", 1),
		"no valid key":    `{"encryptionKey":"AQ==","supportedSchemes":[{"protocol":"FROST","curve":"ed25519"}]}`,
		"no scheme":       `{"encryptionKey":"` + home.Request().EncryptionKey + `","supportedSchemes":[]}`,
		"too much":        strings.Replace(string(text), "{", `{"x":"`+strings.Repeat("x", 8<<10)+`",`, 1),
	} {
		if r, err := ParseRequest([]byte(spoiled)); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// FuzzParseRequest holds that a request that was read is, written anew, the same one.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"encryptionKey":"AQJ5vmZ++dy7rFWgYpXOhwsHApv82y3OKNlZ8oFbFvgXmA==","supportedSchemes":[{"protocol":"FROST","curve":"ed25519"}]}`,
		`{"encryptionKey":"AQ==","supportedSchemes":[{}]}`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRequest(text)
		if err != nil {
			if !errors.Is(err, ErrRequest) {
				t.Fatal(err)
			}
			return
		}
		written, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRequest(written)
		if err != nil || again.EncryptionKey != r.EncryptionKey || !slices.Equal(again.SupportedSchemes, r.SupportedSchemes) {
			t.Fatalf("%s was read as %+v and then as %+v, %v", text, r, again, err)
		}
	})
}

func TestRequestListsTheSchemesAskedFor(t *testing.T) {
	c := newExport(t, secp256k1Scheme(), 2, 3).context
	if got := c.Request(shares.Schemes()[2]); len(got.SupportedSchemes) != 1 || got.SupportedSchemes[0] != (SupportedScheme{"FROST", "ed25519"}) {
		t.Errorf("request %v", got)
	}
	if got := c.Request(); len(got.SupportedSchemes) != 4 || got.SupportedSchemes[0] != (SupportedScheme{"CGGMP21", "secp256k1"}) {
		t.Errorf("request %v", got)
	}
}
