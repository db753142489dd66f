// Package shares does the arithmetic of threshold keys and writes and reads the
// plaintexts in which shares travel.
//
// A key is a scalar s, hidden as f(0) of a random polynomial f of degree
// minSigners−1 over the curve's scalar field (Shamir, "How to share a secret",
// 1979). Signer i holds f(i). The points f(i)·G are the public shares: they
// commit to the polynomial without telling it (Feldman, 1987).
//
//	Scheme, Curve, Point   what a key is for, and its public half
//	Split                  secret → one Share per signer, and PublicShares
//	PublicShares           one polynomial? which public key?
//	Interpolate            enough Shares → secret
//	EncodeExport, …        the exact bytes inside an export's envelopes
//	EncodeImport, …        the exact bytes inside an import's envelopes
//	ParseClusterShare      a share that a running cluster's operator brings
//	ParseNativeShare       the same, as the open libraries write theirs
//
// Every scalar is 32 bytes, big-endian, below the order of its curve's group, on
// every curve, Ed25519 included. Secret scalars live in [locked.Buffer] and are
// computed on inside [locked.Do], in constant time except where a function says
// otherwise. Indexes, points and Lagrange weights are public.
//
// This package does not encrypt, does not speak to tokens, and never prints,
// logs or puts in an error anything that it read from a plaintext.
package shares

import (
	"errors"
	"fmt"

	"keyferry/shares/locked"
)

// Limits of a sharing.
const (
	// MinThreshold is the least number of signers that may give a key: one signer
	// alone would hold the key itself.
	MinThreshold = 2
	// MaxShares bounds the work that a request can ask for.
	MaxShares = 255
)

// Errors that callers tell apart. They come wrapped with what was being done.
var (
	ErrScheme     = errors.New("unknown or unsupported scheme")
	ErrCurve      = errors.New("unknown or wrong curve")
	ErrPoint      = errors.New("not an acceptable point")
	ErrScalar     = errors.New("not an acceptable scalar")
	ErrIndexes    = errors.New("share indexes are zero, out of range or repeated")
	ErrThreshold  = errors.New("impossible threshold")
	ErrPolynomial = errors.New("public shares do not lie on one polynomial of the right degree")
	ErrPlaintext  = errors.New("malformed share plaintext")
)

// Share is one signer's part of a key: f(Index).
type Share struct {
	Curve Curve
	Index Index
	// Secret is 32 bytes, big-endian, in [1, order).
	Secret *locked.Buffer
}

// Public returns the share's commitment Secret·G, as [Curve.MulBase] computes it.
func (s Share) Public() (Point, error) { return s.Curve.MulBase(s.Secret) }

// Destroy wipes the secret.
func (s Share) Destroy() { s.Secret.Destroy() }

// checkThreshold accepts 2 ≤ minSigners ≤ n ≤ 255.
func checkThreshold(minSigners, n int) error {
	if minSigners < MinThreshold || minSigners > n || n > MaxShares {
		return fmt.Errorf("%w: %d of %d signers (at least %d, at most %d)", ErrThreshold, minSigners, n, MinThreshold, MaxShares)
	}
	return nil
}
