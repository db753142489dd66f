package attesttest

import (
	_ "embed"
	"encoding/json"
	"testing"

	"keyferry/shares/envelope"
	"keyferry/shares/manifest"
)

// recorded is what one cluster said, once.
//
//go:embed recorded.json
var recorded []byte

// Recording is a cluster whose keys are gone, and two of its answers. It is the same in
// every process, as fuzzing wants it: a worker's seeds are made by another one.
type Recording struct {
	Manifest      manifest.Manifest
	EncryptionKey envelope.EncryptionKey
	Export        Answer // to EncryptionKey
	Elsewhere     Answer // to another one
}

// Recorded returns the recording.
func Recorded(t testing.TB) Recording {
	t.Helper()
	var file struct {
		Manifest          json.RawMessage `json:"manifest"`
		EncryptionKey     string          `json:"encryptionKey"`
		Export, Elsewhere Answer
	}
	check(t, json.Unmarshal(recorded, &file))
	r := Recording{Export: file.Export, Elsewhere: file.Elsewhere}
	var err error
	r.Manifest, err = manifest.Parse(file.Manifest)
	check(t, err)
	r.EncryptionKey, err = envelope.ParseEncryptionKey(file.EncryptionKey)
	check(t, err)
	return r
}

// Listing is what GET /signers lists.
func (r Recording) Listing() []manifest.MemberJSON { return listing(r.Manifest) }
