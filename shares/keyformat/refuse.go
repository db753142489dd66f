package keyformat

import (
	"fmt"

	"keyferry/shares"
)

// Ed25519Explanation tells the owner of a recovered Ed25519 key what it is. Programs
// should show it whenever they hand one out.
const Ed25519Explanation = "A shared Ed25519 key is a scalar, not a seed. Seed-based software (most wallets, " +
	"Ed25519 PEM files, OpenSSH) makes the scalar by hashing a seed, and nothing turns the scalar back into a " +
	"seed: such software cannot take this key, and would make another key of its bytes. The formats expanded " +
	"and expanded-hex are for software that takes expanded (\"extended\") Ed25519 private keys: 64 bytes, scalar " +
	"and nonce prefix. Some of it clamps the scalar, which changes about half of all keys: compare the public " +
	"key that the software shows with this one before you rely on it. Where nothing takes the expanded form, " +
	"sign one last transfer with it to a key of the new wallet."

// starkExplanation is why there is no PEM form for the stark curve.
const starkExplanation = "the stark curve has no object identifier, by which PKCS#8 and SEC 1 files name their " +
	"curve: use starknet or starknet-keystore"

// CheckCurve refuses keys that the format cannot carry, with an error that wraps
// [ErrRefused] and explains what can.
func (f Format) CheckCurve(curve shares.Curve) error {
	if !f.takes(curve) {
		return fmt.Errorf("%w: %s", ErrRefused, f.explain(curve))
	}
	return nil
}

// checkPassword refuses passwords that are missing or would protect nothing.
func (f Format) checkPassword(options Options) error {
	given := options.Password != nil && options.Password.Len() > 0
	if f.Encrypts() && !given {
		return fmt.Errorf("%w: this format is encrypted and needs one that is not empty", ErrPassword)
	}
	if !f.Encrypts() && options.Password != nil {
		return fmt.Errorf("%w: this format is not encrypted, so the password would protect nothing", ErrPassword)
	}
	return nil
}

// explain says why the format does not take keys of the curve, and what does.
func (f Format) explain(curve shares.Curve) string {
	switch {
	case curve == shares.Ed25519:
		return Ed25519Explanation
	case len(Formats(curve)) == 0:
		return "it is of no known curve"
	case curve == shares.Stark && (f == PEM || f == PEMSEC1):
		return starkExplanation
	}
	return fmt.Sprintf("it is not for keys on %s, which can be written as %s", curve, names(Formats(curve)))
}
