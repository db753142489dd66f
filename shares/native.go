package shares

import (
	"fmt"
	"maps"

	"keyferry/shares/locked"
)

// Library is whose native form a share has.
type Library string

// The libraries. Their core shares look the same, and do not say what they sign for.
const (
	CGGMP21 Library = "cggmp21" // cggmp21 and its successor cggmp24: ECDSA
	Givre   Library = "givre"   // FROST
)

// scheme files a library's key under the scheme that has its curve.
func (l Library) scheme(curve string) (Scheme, error) {
	switch {
	case l == Givre && curve == Secp256k1.Name():
		return ParseScheme(protocolFROSTBitcoin, curve)
	case l == Givre:
		return ParseScheme(protocolFROST, curve)
	}
	return ParseScheme(protocolCGGMP21, curve)
}

// NativeShare is a share that was read from a library's native form.
type NativeShare struct {
	ClusterShare // without its Organisation, which the form does not have
	// HasChainCode tells that the key is a hierarchical deterministic wallet's (BIP 32).
	// The chain code is not read: what knows only the private key cannot derive from it.
	HasChainCode bool
}

// ParseNativeShare reads a key share as the libraries write it with serde_json: a bare
// core share, as IncompleteKeyShare and key-share's CoreKeyShare are,
//
//	{"curve":C,"i":1,"shared_public_key":P,"public_shares":[…],
//	 "vss_setup":{"min_signers":3,"I":[…]},"chain_code":H,"x":S}
//
// or {"core":…,"aux":…}, as CGGMP21's KeyShare is. S is the hex of 32 bytes, big-endian,
// in [1, order); P and the public shares are the hex of [Point.Bytes]; i counts from 0;
// an element of I is the hex of 32 bytes, big-endian, or {"curve":C,"scalar":hex}, as
// early versions wrote it; H is the hex of 32 bytes. Members come in any order, each at
// most once and no others. chain_code and vss_setup may be missing or null. What is in
// aux is secret too (Paillier primes) and is passed over.
//
// The points I must be 1 to n, in any order: [ClusterShare.Position] is this share's. A
// share without vss_setup is additive; it becomes the Shamir share that it amounts to,
// with minSigners n: see [scaling]. The public key must be the one that the public
// shares make. Otherwise the sharing is not judged: see [ClusterShare.Check].
//
// It copies the secret to locked memory and nowhere else. Errors wrap [ErrPlaintext] and
// quote nothing secret. The line stays the caller's, who bounds its length; the caller
// must Destroy the share.
func ParseNativeShare(line *locked.Buffer, library Library) (NativeShare, error) {
	secret, err := locked.New(scalarSize)
	if err != nil {
		return NativeShare{}, err
	}
	w := writtenNative{library: library}
	locked.Do(func() {
		err = longDocument(line.Bytes(), func(s *scanner) error { return w.read(s, secret.Bytes()) })
	})
	share := NativeShare{ClusterShare: ClusterShare{ImportShare: ImportShare{Secret: secret}}, HasChainCode: w.hasChainCode}
	if err == nil {
		err = w.interpret(&share.ClusterShare)
	}
	if err != nil {
		secret.Destroy()
		return NativeShare{}, fmt.Errorf("parsing a native key share: %w", err)
	}
	return share, nil
}

// writtenNative is what is public of a native share, as it is spelled.
type writtenNative struct {
	library      Library
	curve        string
	party        int // from 0
	publicKey    [][]byte
	publicShares [][]byte
	isShamir     bool // else additive
	minSigners   int
	points       []Index
	pointsCurve  string // where the points name one
	hasChainCode bool
}

// read reads either form. What stands beside core in the same object could contradict it.
func (w *writtenNative) read(s *scanner, secret []byte) error {
	core := w.members(s, secret)
	outer := maps.Clone(core)
	outer["core"] = func() error {
		seen, err := s.only(core)
		if err != nil {
			return err
		}
		return complete(seen)
	}
	outer["aux"] = func() error { return s.skip(1) }
	seen, err := s.only(outer)
	switch {
	case err != nil:
		return err
	case !seen["core"] && !seen["aux"]:
		return complete(seen)
	case w.library == Givre:
		return malformed("a givre share has no core and aux: it is a cggmp21 key share")
	case !seen["core"] || !seen["aux"] || len(seen) != 2:
		return malformed("a key share has core and aux and nothing else")
	}
	return nil
}

// complete refuses a core share without one of the members that none is without.
func complete(seen map[string]bool) error {
	for _, name := range []string{"curve", "i", "shared_public_key", "public_shares", "x"} {
		if !seen[name] {
			return malformed("the member " + name + " is missing")
		}
	}
	return nil
}

func (w *writtenNative) members(s *scanner, secret []byte) map[string]func() error {
	return map[string]func() error{
		"curve":             func() error { return s.shortText(&w.curve) },
		"i":                 func() error { return s.small(&w.party) },
		"shared_public_key": func() error { return s.point(&w.publicKey) },
		"public_shares":     func() error { return s.array(func() error { return s.point(&w.publicShares) }) },
		"vss_setup":         func() error { return s.optional(&w.isShamir, func() error { return w.vssSetup(s) }) },
		"chain_code": func() error {
			return s.optional(&w.hasChainCode, func() error { return s.hexString(make([]byte, chainCodeSize)) })
		},
		"x": func() error { return s.hexString(secret) },
	}
}

// chainCodeSize is that of BIP 32.
const chainCodeSize = 32

func (w *writtenNative) vssSetup(s *scanner) error {
	seen, err := s.only(map[string]func() error{
		"min_signers": func() error { return s.small(&w.minSigners) },
		"I":           func() error { return s.array(func() error { return w.point(s) }) },
	})
	if err == nil && len(seen) != 2 {
		err = malformed("vss_setup is without min_signers or I")
	}
	return err
}

// point reads one more of the points at which the key is shared.
func (w *writtenNative) point(s *scanner) error {
	if len(w.points) == MaxShares {
		return malformed("too many points in I")
	}
	w.points = append(w.points, Index{})
	at := w.points[len(w.points)-1][:]
	if s.space(); s.at < len(s.text) && s.text[s.at] == '{' {
		return w.longPoint(s, at)
	}
	return s.hexString(at)
}

func (w *writtenNative) longPoint(s *scanner, at []byte) error {
	curve := w.pointsCurve
	seen, err := s.only(map[string]func() error{
		"curve":  func() error { return s.shortText(&w.pointsCurve) },
		"scalar": func() error { return s.hexString(at) },
	})
	if err == nil && (len(seen) != 2 || curve != "" && curve != w.pointsCurve) {
		err = malformed("a point in I is without curve or scalar, or of another curve than the others")
	}
	return err
}
