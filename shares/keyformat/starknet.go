package keyformat

import (
	"bytes"

	"keyferry/shares/locked"
)

// encodeStarknet writes the scalar as a field element of Starknet's JSON-RPC
// specification (schema FELT): 0x and at most 63 lower-case digits with no zeros in
// front. That schema is the strictest reader; starknet.js, starkli
// (--private-key), sncast and wallets read any hex number and take it, too.
func encodeStarknet(k privateKey) (*locked.Buffer, error) {
	digits, err := hexLine(k.scalar)
	if err != nil {
		return nil, err
	}
	defer digits.Destroy()
	// How many digits there are is no secret: the file's length tells it.
	significant := bytes.TrimLeft(digits.Bytes(), "0")
	return filled(len("0x")+len(significant), func(dst []byte) {
		copy(dst, "0x")
		copy(dst[len("0x"):], significant)
	})
}
