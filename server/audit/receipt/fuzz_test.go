package receipt

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"keyferry/server/audit/merkle"
)

// FuzzParse holds that a receipt which parses is written so that it is read back as it
// is, and that a receipt proves nothing under a key that did not sign its checkpoint.
func FuzzParse(f *testing.F) {
	_, key := signerOf(f, origin, 9)
	proof, err := merkle.Inclusion{Index: 1, Hashes: make([]merkle.Hash, 2), Checkpoint: []byte("a\n1\n\n")}.MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	seed, err := json.Marshal(JSON{Index: 1, Entry: `{"kind":"export.finished"}`, Proof: string(proof)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(strings.Replace(string(seed), `"index":1`, `"index":2`, 1)))
	f.Add([]byte(strings.Replace(string(seed), `"index":1`, `"index":1,"index":1`, 1)))
	f.Add([]byte(strings.Replace(string(seed), `AAA=\n`, `AAA=\r\n`, 1)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrReceipt) || !reflect.DeepEqual(r, Receipt{}) {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		written, err := json.Marshal(r.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(written); err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%s: %v", written, err)
		}
		if _, err := r.Verify(key, Export{}); !errors.Is(err, ErrReceipt) {
			t.Fatalf("%s holds: %v", text, err)
		}
	})
}
