package statement

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse holds that a statement which parses is written in one way only.
func FuzzParse(f *testing.F) {
	id, hash := strings.Repeat("A", 43)+"=", strings.Repeat("0", 64)
	seed, err := json.Marshal(JSON{
		SignerID: id, Deployment: "d", Organisation: "or-1", KeyID: "key-1", Protocol: "CGGMP21", Curve: "secp256k1",
		PublicKey: generator, MinSigners: 3, Index: strings.Repeat("0", 63) + "2", Commitment: double,
		VectorHash: hash, EncryptionKeyHash: hash, CiphertextHash: hash, ActionHash: hash, Time: 5, Signature: []byte{1},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(strings.Replace(string(seed), "CGGMP21", "CGGMP24", 1)))
	f.Add([]byte(strings.ToUpper(string(seed))))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var written JSON
		if json.Unmarshal(text, &written) != nil {
			return
		}
		signed, err := written.Parse()
		if err != nil {
			if !errors.Is(err, ErrStatement) || !signed.Scheme.IsZero() {
				t.Fatalf("%s: %+v, %v", text, signed, err)
			}
			return
		}
		if again := signed.JSON(); !reflect.DeepEqual(again, written) {
			t.Fatalf("%+v is also %+v", written, again)
		}
	})
}
