package keyformat

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/crypto/sha3"

	"keyferry/shares/locked"
)

// Web3 Secret Storage, version 3 (ethereum.org, "Web3 secret storage definition"),
// with AES-128-CTR and scrypt in geth's standard strength.
const (
	keystoreVersion = 3
	standardLogN    = 18
	maxLogN         = 22 // 4 GiB
	standardR       = 8
	standardP       = 1
	derivedSize     = 32
)

type keystore struct {
	Address string         `json:"address,omitempty"`
	Crypto  keystoreCrypto `json:"crypto"`
	ID      string         `json:"id"`
	Version int            `json:"version"`
}

type keystoreCrypto struct {
	Cipher       string         `json:"cipher"`
	CipherText   string         `json:"ciphertext"`
	CipherParams cipherParams   `json:"cipherparams"`
	KDF          string         `json:"kdf"`
	KDFParams    keystoreScrypt `json:"kdfparams"`
	MAC          string         `json:"mac"`
}

type cipherParams struct {
	IV string `json:"iv"`
}

type keystoreScrypt struct {
	DerivedSize int    `json:"dklen"`
	N           int    `json:"n"`
	P           int    `json:"p"`
	R           int    `json:"r"`
	Salt        string `json:"salt"`
}

// encodeEthereumKeystore writes the key with its address, as geth does. The address
// is public, but links the file to its account.
func encodeEthereumKeystore(k privateKey) (*locked.Buffer, error) {
	return encodeKeystore(k, ethereumAddress(k.public.Uncompressed()))
}

// encodeStarknetKeystore writes what `starkli --keystore` reads: the same file
// without an address, because a Starknet account's does not follow from its key.
func encodeStarknetKeystore(k privateKey) (*locked.Buffer, error) {
	return encodeKeystore(k, "")
}

func encodeKeystore(k privateKey, address string) (*locked.Buffer, error) {
	seal, err := newKeystoreSeal(k.options.ScryptLogN)
	if err != nil {
		return nil, err
	}
	sealed, err := seal.crypto(k.scalar, k.options.Password.Bytes())
	if err != nil {
		return nil, err
	}
	// From here on there is nothing secret: whoever reads it needs the password.
	text, err := json.Marshal(keystore{Address: address, Crypto: sealed, ID: randomUUID(), Version: keystoreVersion})
	if err != nil {
		return nil, err
	}
	return filled(len(text)+1, func(dst []byte) { dst[copy(dst, text)] = '\n' })
}

// keystoreSeal is what is drawn and chosen for one file. The derived key is of this
// salt alone, so that counter mode never meets the same key twice.
type keystoreSeal struct {
	salt    [32]byte
	iv      [aes.BlockSize]byte
	n, r, p int // scrypt's costs
}

func newKeystoreSeal(logN int) (keystoreSeal, error) {
	if logN == 0 {
		logN = standardLogN
	}
	if logN < 1 || logN > maxLogN {
		return keystoreSeal{}, fmt.Errorf("scrypt's cost 2^%d is out of range: it is 2^1 to 2^%d", logN, maxLogN)
	}
	s := keystoreSeal{n: 1 << logN, r: standardR, p: standardP}
	rand.Read(s.salt[:]) // never fails: crypto/rand ends the program instead
	rand.Read(s.iv[:])
	return s, nil
}

// crypto encrypts the scalar, as it is: 32 bytes, big-endian.
func (s keystoreSeal) crypto(scalar, password []byte) (keystoreCrypto, error) {
	var ciphertext, mac [32]byte
	var err error
	locked.Do(func() { err = s.seal(&ciphertext, &mac, scalar, password) })
	if err != nil {
		return keystoreCrypto{}, err
	}
	return keystoreCrypto{
		Cipher:       "aes-128-ctr",
		CipherText:   hex.EncodeToString(ciphertext[:]),
		CipherParams: cipherParams{IV: hex.EncodeToString(s.iv[:])},
		KDF:          "scrypt",
		KDFParams: keystoreScrypt{
			DerivedSize: derivedSize, N: s.n, P: s.p, R: s.r,
			Salt: hex.EncodeToString(s.salt[:]),
		},
		MAC: hex.EncodeToString(mac[:]),
	}, nil
}

// seal encrypts under the first half of the derived key and authenticates the
// ciphertext with the second. The libraries copy password and derived key to the
// heap, which is why it runs inside locked.Do.
func (s keystoreSeal) seal(ciphertext, mac *[32]byte, scalar, password []byte) error {
	derived, err := scrypt.Key(password, s.salt[:], s.n, s.r, s.p, derivedSize)
	if err != nil {
		return err
	}
	defer clear(derived)
	block, err := aes.NewCipher(derived[:16])
	if err != nil {
		return err
	}
	cipher.NewCTR(block, s.iv[:]).XORKeyStream(ciphertext[:], scalar)
	hash := sha3.NewLegacyKeccak256()
	hash.Write(derived[16:])
	hash.Write(ciphertext[:])
	hash.Sum(mac[:0])
	return nil
}

// ethereumAddress returns the last 20 bytes of Keccak-256 of the 64 bytes of both
// coordinates (Yellow Paper, appendix F), as lower-case digits without 0x.
func ethereumAddress(uncompressed []byte) string {
	hash := sha3.NewLegacyKeccak256()
	hash.Write(uncompressed[1:])
	return hex.EncodeToString(hash.Sum(nil)[12:])
}

// randomUUID returns a version 4 UUID (RFC 9562 §5.4).
func randomUUID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
