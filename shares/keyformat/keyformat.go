// Package keyformat writes a recovered private key in the formats that wallets and
// tools read. It is the last step of an export, on the client's own machine.
//
//	Format, ParseFormat, Formats   which formats there are, and for which curve
//	Format.CheckCurve              why a curve's keys cannot be written in a format
//	Encode                         32-byte scalar → the bytes of a key file
//	WriteFile                      those bytes → a new file that only its owner reads
//
// Each format has a file of its own, which gives its source:
//
//	hex, raw                                hex.go       the scalar itself
//	wif, wif-testnet                        wif.go       Bitcoin
//	ethereum-keystore, starknet-keystore    keystore.go  under a password
//	pem, pem-sec1                           pem.go       PKCS#8 and SEC 1
//	starknet                                starknet.go  Starknet's field element
//	expanded, expanded-hex                  expanded.go  Ed25519 after its hash
//
// Formats that are text end with one line feed. What a format cannot carry is
// refused with the reason and never bent into shape: a file that some wallet takes
// for another key loses money.
//
// Keys and finished files are in [locked.Buffer], and what is computed on them runs
// inside [locked.Do]. The encodings look up tables by the digits of the secret (hex,
// base64, base58), so they are not constant-time: this package is for the owner's
// own machine and serves no requests.
package keyformat

import (
	"errors"
	"fmt"

	"keyferry/shares"
	"keyferry/shares/locked"
)

// Errors that callers tell apart. They come wrapped with what to do instead.
var (
	ErrFormat   = errors.New("unknown key format")
	ErrRefused  = errors.New("the key cannot be written in this format")
	ErrPassword = errors.New("wrong use of a password")
)

// Options say what some formats need besides the key.
type Options struct {
	// Password encrypts the formats for which [Format.Encrypts] is true, and must not
	// be given for others, whose files would not be protected by it. It is used byte
	// for byte: readers differ in how they normalise what is not ASCII.
	Password *locked.Buffer
	// ScryptLogN is the binary logarithm of scrypt's cost N for these formats: 1 to
	// 22, or 0 for the standard 18, which takes 256 MiB and about a second. What is
	// lower is for tests.
	ScryptLogN int
}

// privateKey is a checked key on its way into a format.
type privateKey struct {
	scalar  []byte // 32 bytes, big-endian, in [1, order), in locked memory
	public  shares.Point
	options Options
}

// Encode returns the bytes of a key file. The secret is the scalar, 32 bytes,
// big-endian, in [1, order), on every curve; it stays the caller's, as the password
// does. The caller must Destroy the result. Errors wrap [ErrFormat], [ErrRefused],
// [ErrPassword] or [shares.ErrScalar] and quote nothing secret.
func Encode(format Format, curve shares.Curve, secret *locked.Buffer, options Options) (*locked.Buffer, error) {
	encoding, err := format.encoding()
	if err != nil {
		return nil, err
	}
	encoded, err := encoding.write(format, curve, secret, options)
	if err != nil {
		return nil, fmt.Errorf("writing the key as %s: %w", format, err)
	}
	return encoded, nil
}

func (e encoding) write(format Format, curve shares.Curve, secret *locked.Buffer, options Options) (*locked.Buffer, error) {
	if err := format.CheckCurve(curve); err != nil {
		return nil, err
	}
	if err := format.checkPassword(options); err != nil {
		return nil, err
	}
	public, err := curve.MulBase(secret) // checks the scalar, too
	if err != nil {
		return nil, err
	}
	return e.encode(privateKey{secret.Bytes(), public, options})
}

// filled returns a buffer of the given length that fill wrote inside locked.Do.
func filled(length int, fill func(dst []byte)) (*locked.Buffer, error) {
	b, err := locked.New(length)
	if err != nil {
		return nil, err
	}
	locked.Do(func() { fill(b.Bytes()) })
	return b, nil
}
