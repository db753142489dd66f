package keyformat

import (
	"crypto/sha256"

	"keyferry/shares/locked"
)

// Bitcoin's wallet import format (Bitcoin Wiki, "Wallet import format"; Bitcoin
// Core, EncodeSecret): base58 of
//
//	version (1) || scalar (32) || 01, for a compressed public key || checksum (4)
//
// where the checksum is the start of SHA-256 of SHA-256 of what precedes it.
const (
	wifMainnet    = 0x80
	wifTestnet    = 0xef // of signet and regtest, too
	wifCompressed = 0x01
	wifPayload    = 34
	wifBinary     = wifPayload + 4
	// wifText is log58 of 2^(8·wifBinary), rounded up: a leading byte other than zero
	// leaves no choice of length.
	wifText = 52
)

// encodeWIF writes a key for Bitcoin's main network. For a FROST_BITCOIN key it holds
// the internal key of BIP 341: wallets derive the output key from it, as BIP 86 has
// it, and the recovered key is not tweaked.
func encodeWIF(k privateKey) (*locked.Buffer, error) {
	return wif(wifMainnet, k.scalar)
}

// encodeWIFTestnet is encodeWIF for the test networks.
func encodeWIFTestnet(k privateKey) (*locked.Buffer, error) {
	return wif(wifTestnet, k.scalar)
}

func wif(version byte, scalar []byte) (*locked.Buffer, error) {
	return filled(wifText+1, func(dst []byte) {
		var binary [wifBinary]byte
		binary[0] = version
		copy(binary[1:], scalar)
		binary[wifPayload-1] = wifCompressed
		inner := sha256.Sum256(binary[:wifPayload])
		checksum := sha256.Sum256(inner[:])
		copy(binary[wifPayload:], checksum[:])
		base58(dst[:wifText], binary[:])
		dst[wifText] = '\n'
	})
}

// base58 writes a big-endian number as len(dst) digits in Bitcoin's alphabet, and
// leaves zero in its place. It is long division, as the result's length is fixed:
// libraries work on big integers and strings, which cannot be wiped.
func base58(dst, number []byte) {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	for i := len(dst) - 1; i >= 0; i-- {
		remainder := uint(0)
		for j, b := range number {
			remainder = remainder<<8 | uint(b)
			number[j] = byte(remainder / 58)
			remainder %= 58
		}
		dst[i] = alphabet[remainder]
	}
}
