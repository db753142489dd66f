package shares

import (
	"fmt"

	"keyferry/shares/locked"
)

// EncodeExport returns the plaintext of an export's envelope, which is also how a
// share is kept at rest:
//
//	{"version":1,"index":{"curve":C,"scalar":I},"secret_share":{"curve":C,"scalar":S}}
//
// with no blanks, C the curve's name, I and S 64 lower-case digits, big-endian: 232
// bytes for secp256k1, 224 for stark, 228 for ed25519. The result has room to be
// sealed in place; the caller must Destroy it. Constant-time in the secret.
func EncodeExport(curve Curve, index Index, secret *locked.Buffer) (*locked.Buffer, error) {
	scalar, err := curve.scalarIn(secret)
	if err != nil {
		return nil, fmt.Errorf("encoding an export: %w", err)
	}
	if err := checkIndexes(curve, []Index{index}); err != nil {
		return nil, fmt.Errorf("encoding an export: %w", err)
	}
	prefix := fmt.Sprintf(`{"version":%d,"index":{"curve":%q,"scalar":%q},"secret_share":{"curve":%q,"scalar":"`,
		plaintextVersion, curve.Name(), index.Hex(), curve.Name())
	return plaintextAround(prefix, scalar, `"}}`)
}

// ParseExport reads what EncodeExport writes, and what other writers make of it:
// members in any order, blanks, unknown members, upper-case digits. Known members
// must occur exactly once, the curve must be the given one, and both scalars lie in
// [1, order). Errors wrap [ErrPlaintext] and quote nothing. The plaintext stays the
// caller's; the caller must Destroy the share.
func ParseExport(plaintext *locked.Buffer, curve Curve) (Share, error) {
	secret, err := locked.New(scalarSize)
	if err != nil {
		return Share{}, err
	}
	index, err := parseExport(plaintext, curve, secret)
	if err != nil {
		secret.Destroy()
		return Share{}, fmt.Errorf("parsing an export: %w", err)
	}
	return Share{Curve: curve, Index: index, Secret: secret}, nil
}

func parseExport(plaintext *locked.Buffer, curve Curve, secret *locked.Buffer) (Index, error) {
	if _, err := curve.group(); err != nil {
		return Index{}, err
	}
	var index [scalarSize]byte
	var err error
	locked.Do(func() {
		err = document(plaintext.Bytes(), func(s *scanner) error {
			return s.members(map[string]func() error{
				"version":      s.one,
				"index":        func() error { return s.curveHex(curve, "scalar", index[:]) },
				"secret_share": func() error { return s.curveHex(curve, "scalar", secret.Bytes()) },
			})
		})
	})
	if err != nil {
		return Index{}, err
	}
	if err := curve.CheckScalar(secret.Bytes()); err != nil {
		return Index{}, fmt.Errorf("%w: secret_share: %w", ErrPlaintext, err)
	}
	parsed, err := ParseIndex(curve, index[:])
	if err != nil {
		return Index{}, fmt.Errorf("%w: index: %w", ErrPlaintext, err)
	}
	return parsed, nil
}
