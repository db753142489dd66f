package keyformat

import (
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"keyferry/shares"
	"keyferry/shares/locked/lockedtest"
)

const vectorKey = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"

// The scrypt vector of the Ethereum wiki's "Web3 Secret Storage Definition", which
// EIP-2335 repeats. Its costs are not the standard ones.
func TestKeystoreMatchesPublishedVector(t *testing.T) {
	seal := keystoreSeal{n: 262144, r: 1, p: 8}
	fill(t, seal.salt[:], "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19")
	fill(t, seal.iv[:], "83dbcc02d8ccb40e466191a123791e0e")
	key := lockedtest.Hex(t, vectorKey)
	got, err := seal.crypto(key.Bytes(), []byte("testpassword"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c"; got.CipherText != want {
		t.Errorf("ciphertext %s, want %s", got.CipherText, want)
	}
	if want := "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"; got.MAC != want {
		t.Errorf("mac %s, want %s", got.MAC, want)
	}
}

// The address that the same page gives for its key.
func TestKeystoreCarriesThePublishedAddress(t *testing.T) {
	got := decodeKeystore(t, encoded(t, EthereumKeystore, shares.Secp256k1, vectorKey, weak(t, "x")))
	if want := "008aeeda4d805471df9b2a5b0f38a0c3bcba786b"; got.Address != want {
		t.Errorf("address %s, want %s", got.Address, want)
	}
}

func fill(t *testing.T, dst []byte, digits string) {
	t.Helper()
	if n, err := hex.Decode(dst, []byte(digits)); err != nil || n != len(dst) {
		t.Fatalf("a vector of %d bytes: %v", n, err)
	}
}

func decodeKeystore(t *testing.T, file []byte) keystore {
	t.Helper()
	var k keystore
	if err := json.Unmarshal(file, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEthersOpensTheKeystore(t *testing.T) {
	digits := testKeys[shares.Secp256k1]
	password := "a password with blanks, \"quotes\" and ünïcode"
	file := encoded(t, EthereumKeystore, shares.Secp256k1, digits, weak(t, password))
	got := read(t, file, "keystore.mjs", password)
	if got["privateKey"] != digits || got["publicKey"] != publicOf(t, shares.Secp256k1, digits).Hex() {
		t.Errorf("ethers found %v", got)
	}
	if !strings.EqualFold(got["address"], "0x"+decodeKeystore(t, file).Address) {
		t.Errorf("ethers found the address %s", got["address"])
	}
}

// ethers reads the stark key's bytes as they are: what it derives from them is of
// another curve and of no matter here.
func TestStarknetKeystoreHoldsTheKeyAndNoAddress(t *testing.T) {
	digits := testKeys[shares.Stark]
	file := encoded(t, StarknetKeystore, shares.Stark, digits, weak(t, "x"))
	if got := read(t, file, "keystore.mjs", "x"); got["privateKey"] != digits {
		t.Errorf("ethers found %s", got["privateKey"])
	}
	if strings.Contains(string(file), "address") {
		t.Errorf("there is an address: %s", file)
	}
}

func TestKeystoreIsOfStandardStrengthUnlessAsked(t *testing.T) {
	options := Options{Password: lockedtest.Bytes(t, []byte("x"))}
	got := decodeKeystore(t, encoded(t, EthereumKeystore, shares.Secp256k1, testKeys[shares.Secp256k1], options)).Crypto.KDFParams
	if got.N != 262144 || got.R != 8 || got.P != 1 || got.DerivedSize != 32 || len(got.Salt) != 64 {
		t.Errorf("scrypt with %+v", got)
	}
}

func TestScryptCostOutOfRangeIsRefused(t *testing.T) {
	for _, logN := range []int{-1, maxLogN + 1, 63} {
		options := weak(t, "x")
		options.ScryptLogN = logN
		if _, err := Encode(EthereumKeystore, shares.Secp256k1, lockedtest.Hex(t, wikiKey), options); err == nil {
			t.Errorf("cost 2^%d was taken", logN)
		}
	}
}

func TestEveryKeystoreHasItsOwnSaltIVAndID(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		k := decodeKeystore(t, encoded(t, EthereumKeystore, shares.Secp256k1, wikiKey, weak(t, "x")))
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(k.ID) {
			t.Errorf("%s is no random UUID", k.ID)
		}
		for _, value := range []string{k.ID, k.Crypto.CipherParams.IV, k.Crypto.KDFParams.Salt, k.Crypto.CipherText} {
			if seen[value] {
				t.Errorf("%s occurs twice", value)
			}
			seen[value] = true
		}
	}
}
