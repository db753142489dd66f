//go:build cgo

package rig

import (
	"encoding/json"
	"fmt"
	"testing"

	"keyferry/shares"
)

// IngestLine returns the share at a position, from 1, as a signer's operator brings it
// from another cluster. Real ones are never strings.
func IngestLine(t testing.TB, org string, scheme shares.Scheme, minSigners int, dealing *shares.Dealing, position int) string {
	t.Helper()
	var public []string
	for _, point := range dealing.Public {
		public = append(public, point.Hex())
	}
	text, err := json.Marshal(map[string]any{
		"version": 1, "organisation": org, "protocol": scheme.Protocol(), "curve": scheme.Curve().Name(), "minSigners": minSigners,
		"index": position, "secretShare": fmt.Sprintf("%x", dealing.Shares[position-1].Secret.Bytes()), "publicShares": public,
	})
	must(t, err)
	return string(text)
}
