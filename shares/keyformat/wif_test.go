package keyformat

import (
	"testing"

	"keyferry/shares"
)

// The key of the Bitcoin Wiki's page "Wallet import format", and what wallets give
// for it with a compressed public key.
const (
	wikiKey        = "0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d"
	wikiWIF        = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617"
	wikiWIFTestnet = "cMzLdeGd5vEqxB8B6VFQoRopQ3sLAAvEzDAoQgvX54xwofSWj1fx"
)

func TestWIFMatchesPublishedVectors(t *testing.T) {
	for format, want := range map[Format]string{WIF: wikiWIF, WIFTestnet: wikiWIFTestnet} {
		if got := encoded(t, format, shares.Secp256k1, wikiKey, Options{}); string(got) != want+"\n" {
			t.Errorf("%s: %s, want %s", format, got, want)
		}
	}
}

// The first and the last scalar are where a base58 number could get shorter or longer.
func TestBitcoinWalletsReadWIF(t *testing.T) {
	for _, digits := range []string{
		"0000000000000000000000000000000000000000000000000000000000000001",
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
		testKeys[shares.Secp256k1],
	} {
		for format, network := range map[Format]string{WIF: "bitcoin", WIFTestnet: "testnet"} {
			got := read(t, encoded(t, format, shares.Secp256k1, digits, Options{}), "wif.mjs", network)
			if got["privateKey"] != digits || got["publicKey"] != publicOf(t, shares.Secp256k1, digits).Hex() {
				t.Errorf("%s of %s was read as %v", format, digits, got)
			}
		}
	}
}

// BIP 173's example address is that of the scalar 1.
func TestWIFLeadsToTheAddressOfItsKey(t *testing.T) {
	const one = "0000000000000000000000000000000000000000000000000000000000000001"
	got := read(t, encoded(t, WIF, shares.Secp256k1, one, Options{}), "wif.mjs", "bitcoin")
	if want := "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"; got["address"] != want {
		t.Errorf("address %s, want %s", got["address"], want)
	}
}
