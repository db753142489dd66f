package shares

import (
	"fmt"
	"strings"

	"keyferry/shares/locked"
)

// ImportShare is what a signer finds in its envelope when a key is imported.
type ImportShare struct {
	// Secret is 32 bytes, big-endian, in [1, order).
	Secret *locked.Buffer
	// Public has all signers' commitments, in the order of their indexes.
	Public PublicShares
}

// Destroy wipes the secret.
func (s ImportShare) Destroy() { s.Secret.Destroy() }

// Check accepts a share that belongs to the signer at a position, counted from 1:
// Public passes [PublicShares.Check], and Secret·G is Public[position−1]. That all
// signers were given the same Public, each must find out by comparing
// [PublicShares.Hash] with the others.
func (s ImportShare) Check(position, minSigners int) error {
	if err := s.Public.Check(minSigners); err != nil {
		return err
	}
	if position < 1 || position > len(s.Public) {
		return fmt.Errorf("%w: position %d of %d", ErrIndexes, position, len(s.Public))
	}
	want := s.Public[position-1]
	got, err := want.Curve().MulBase(s.Secret)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: the share of position %d does not match its commitment", ErrPolynomial, position)
	}
	return nil
}

// EncodeImport returns the plaintext of one signer's envelope in an import:
//
//	{"version":1,"secret_share":{"curve":C,"scalar":S},"public_shares":[{"curve":C,"point":P},…]}
//
// with no blanks, S as in [EncodeExport] and P the lower-case hex of
// [Point.Uncompressed]. The signer's index is not in it: it follows from its place
// among the signers. The result has room to be sealed in place; the caller must
// Destroy it. Constant-time in the secret.
func EncodeImport(curve Curve, secret *locked.Buffer, public PublicShares) (*locked.Buffer, error) {
	scalar, err := curve.scalarIn(secret)
	if err != nil {
		return nil, fmt.Errorf("encoding an import: %w", err)
	}
	if err := checkThreshold(MinThreshold, len(public)); err != nil {
		return nil, fmt.Errorf("encoding an import: %w", err)
	}
	var points []string
	for i, point := range public {
		if point.curve != curve {
			return nil, fmt.Errorf("encoding an import: %w: public share %d", ErrCurve, i+1)
		}
		points = append(points, fmt.Sprintf(`{"curve":%q,"point":"%x"}`, curve.Name(), point.uncompressed))
	}
	prefix := fmt.Sprintf(`{"version":%d,"secret_share":{"curve":%q,"scalar":"`, plaintextVersion, curve.Name())
	return plaintextAround(prefix, scalar, `"},"public_shares":[`+strings.Join(points, ",")+`]}`)
}

// ParseImport reads what EncodeImport writes, as leniently as [ParseExport], for n
// signers. Points must be in the form that EncodeImport writes, in either case of
// digits. It does not judge the sharing: see [ImportShare.Check]. Errors wrap
// [ErrPlaintext] and quote nothing. The plaintext stays the caller's; the caller
// must Destroy the share.
func ParseImport(plaintext *locked.Buffer, curve Curve, n int) (ImportShare, error) {
	if err := checkThreshold(MinThreshold, n); err != nil {
		return ImportShare{}, err
	}
	secret, err := locked.New(scalarSize)
	if err != nil {
		return ImportShare{}, err
	}
	public, err := parseImport(plaintext, curve, n, secret)
	if err != nil {
		secret.Destroy()
		return ImportShare{}, fmt.Errorf("parsing an import: %w", err)
	}
	return ImportShare{Secret: secret, Public: public}, nil
}

func parseImport(plaintext *locked.Buffer, curve Curve, n int, secret *locked.Buffer) (PublicShares, error) {
	if _, err := curve.group(); err != nil {
		return nil, err
	}
	encoded := make([][]byte, 0, n)
	var err error
	locked.Do(func() {
		err = document(plaintext.Bytes(), func(s *scanner) error {
			return s.members(map[string]func() error{
				"version":       s.one,
				"secret_share":  func() error { return s.curveHex(curve, "scalar", secret.Bytes()) },
				"public_shares": func() error { return s.points(curve, n, &encoded) },
			})
		})
	})
	if err != nil {
		return nil, err
	}
	if err := curve.CheckScalar(secret.Bytes()); err != nil {
		return nil, fmt.Errorf("%w: secret_share: %w", ErrPlaintext, err)
	}
	return parsePublicShares(curve, n, encoded)
}

// points reads at most n encoded points.
func (s *scanner) points(curve Curve, n int, encoded *[][]byte) error {
	return s.array(func() error {
		if len(*encoded) == n {
			return malformed("too many public shares")
		}
		point := make([]byte, curve.uncompressedSize())
		*encoded = append(*encoded, point)
		return s.curveHex(curve, "point", point)
	})
}

func parsePublicShares(curve Curve, n int, encoded [][]byte) (PublicShares, error) {
	if len(encoded) != n {
		return nil, malformed(fmt.Sprintf("%d public shares for %d signers", len(encoded), n))
	}
	public := make(PublicShares, n)
	for i, bytes := range encoded {
		point, err := curve.ParseUncompressedPoint(bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: public share %d: %w", ErrPlaintext, i+1, err)
		}
		public[i] = point
	}
	return public, nil
}
