//go:build cgo

package test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

// pointAttacks ask for shares that are sealed to what is no point, or to one whose
// private key everybody has.
func pointAttacks(t *testing.T, s *stage) []attack {
	export := func(key string) message { return s.alice.signed(t, exportPath(s.victim), s.exportBody(t, key)) }
	good, err := base64.StdEncoding.DecodeString(s.exported.EncryptionKey)
	if err != nil {
		t.Fatal(err)
	}
	prime, err := hex.DecodeString("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f") // of secp256k1's field
	if err != nil {
		t.Fatal(err)
	}
	x := good[2:]
	key := func(name string, parts ...[]byte) named {
		return named{name, base64.StdEncoding.EncodeToString(bytes.Join(parts, nil))}
	}
	ones := bytes.Repeat([]byte{0xff}, 32)
	rows := []attack{{"a point of the curve", s.alice.signed(t, exportPath(s.spare), s.exportBody(t, s.exported.EncryptionKey)), 200, legitimate}}
	rows = append(rows, each([]named{
		key("32 zero bytes", make([]byte, 32)), key("34 zero bytes", make([]byte, 34)),
		key("the identity, as 65 bytes", []byte{1}, make([]byte, 65)),
		key("an x coordinate alone", []byte{1}, x), key("a raw x and y", []byte{1}, x, x),
		key("prefix 0", []byte{1, 0}, x), key("prefix 1", []byte{1, 1}, x), key("prefix 4 without y", []byte{1, 4}, x),
		key("prefix 5, compact", []byte{1, 5}, x), key("prefix 6, hybrid", []byte{1, 6}, x, x), key("prefix 8", []byte{1, 8}, x),
		key("prefix 82", []byte{1, 0x82}, x), key("x of all ones", []byte{1, 3}, ones),
		key("the field's prime as x", []byte{1, 2}, prime), key("x zero", []byte{1, 3}, make([]byte, 32)),
		key("version 3", []byte{3}, good[1:]), key("version 255", []byte{255}, good[1:]), key("two versions", []byte{1}, good),
		key("a signature's length", make([]byte, 64)), key("a kilobyte", make([]byte, 1024)),
	}, 400, "request.malformed", export)...)
	return append(rows, each(vectorKeys(t), 400, "request.malformed", export)...)
}

// vectorKeys are the encryption keys of the wire vectors that a server must refuse.
func vectorKeys(t *testing.T) []named {
	t.Helper()
	content, err := os.ReadFile("../shares/testdata/dfns-wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Negative []struct{ ID, Kind, EncryptionKey string }
	}
	if err := json.Unmarshal(content, &vectors); err != nil {
		t.Fatal(err)
	}
	var keys []named
	for _, v := range vectors.Negative {
		if v.Kind == "encryptionKey" {
			keys = append(keys, named{"vector " + v.ID, v.EncryptionKey})
		}
	}
	if len(keys) != 14 {
		t.Fatalf("%d vectors", len(keys))
	}
	return keys
}
