package keyformat

import (
	"encoding/hex"
	"regexp"
	"testing"

	"keyferry/shares"
)

// starkScalars are the ends of the range, and one with a zero in front.
var starkScalars = []string{
	"0000000000000000000000000000000000000000000000000000000000000001",
	"0800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2e",
	testKeys[shares.Stark],
}

// The pattern is that of the schema FELT in Starknet's JSON-RPC specification.
func TestStarknetKeysAreCanonicalFieldElements(t *testing.T) {
	felt := regexp.MustCompile(`^0x(0|[a-fA-F1-9]{1}[a-fA-F0-9]{0,62})\n$`)
	for _, digits := range starkScalars {
		if got := encoded(t, Starknet, shares.Stark, digits, Options{}); !felt.Match(got) {
			t.Errorf("%s is written as %q", digits, got)
		}
	}
}

func TestStarknetJSReadsTheKey(t *testing.T) {
	for _, digits := range starkScalars {
		got := read(t, encoded(t, Starknet, shares.Stark, digits, Options{}), "starknet.mjs")
		x := publicOf(t, shares.Stark, digits).Bytes()[1:]
		if got["privateKey"] != digits || got["publicKey"] != hex.EncodeToString(x) {
			t.Errorf("%s was read as %v", digits, got)
		}
	}
}
