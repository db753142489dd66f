package shares

import (
	"fmt"
	"strconv"

	"keyferry/shares/locked"
)

// ClusterShare is one signer's share of a key that a cluster elsewhere already signs
// with, as that signer's operator brings it.
type ClusterShare struct {
	Organisation string // whose key it is
	Scheme       Scheme
	MinSigners   int
	Position     int // the share's index as a number, from 1
	ImportShare
}

// Check accepts a share that is the position's of its public shares, as
// [ImportShare.Check] does.
func (s ClusterShare) Check() error { return s.ImportShare.Check(s.Position, s.MinSigners) }

// maxPointSize is the length of the longest compressed point.
const maxPointSize = 33

// ParseClusterShare reads one share of the plain form:
//
//	{"version":1,"organisation":O,"protocol":P,"curve":C,"minSigners":3,"index":2,
//	 "secretShare":S,"publicShares":[…]}
//
// with S the hex of 32 bytes, big-endian, in [1, order), and the public shares of all
// signers, index 1 first, the hex of [Point.Bytes]. Members come in any order, each of
// these exactly once. It copies the secret to locked memory and nowhere else, and does
// not judge the sharing: see [ClusterShare.Check]. Errors wrap [ErrPlaintext] and
// quote nothing secret. The line stays the caller's; the caller must Destroy the share.
func ParseClusterShare(line *locked.Buffer) (ClusterShare, error) {
	secret, err := locked.New(scalarSize)
	if err != nil {
		return ClusterShare{}, err
	}
	var w writtenShare
	locked.Do(func() {
		err = document(line.Bytes(), func(s *scanner) error { return w.read(s, secret.Bytes()) })
	})
	share := ClusterShare{ImportShare: ImportShare{Secret: secret}}
	if err == nil {
		err = w.interpret(&share)
	}
	if err != nil {
		secret.Destroy()
		return ClusterShare{}, fmt.Errorf("parsing a cluster's share: %w", err)
	}
	return share, nil
}

// writtenShare is what is public of a line, as it is spelled.
type writtenShare struct {
	organisation, protocol, curve string
	minSigners, index             int
	points                        [][]byte
}

func (w *writtenShare) read(s *scanner, secret []byte) error {
	return s.members(map[string]func() error{
		"version":      s.one,
		"organisation": func() error { return s.shortText(&w.organisation) },
		"protocol":     func() error { return s.shortText(&w.protocol) },
		"curve":        func() error { return s.shortText(&w.curve) },
		"minSigners":   func() error { return s.small(&w.minSigners) },
		"index":        func() error { return s.small(&w.index) },
		"secretShare":  func() error { return s.hexString(secret) },
		"publicShares": func() error { return s.array(func() error { return s.point(&w.points) }) },
	})
}

func (w *writtenShare) interpret(share *ClusterShare) error {
	var err error
	if share.Scheme, err = ParseScheme(w.protocol, w.curve); err != nil {
		return fmt.Errorf("%w: %w", ErrPlaintext, err)
	}
	curve := share.Scheme.Curve()
	if err := curve.CheckScalar(share.Secret.Bytes()); err != nil {
		return fmt.Errorf("%w: secretShare: %w", ErrPlaintext, err)
	}
	if share.Public, err = parsePoints(curve, w.points); err != nil {
		return err
	}
	share.Organisation, share.MinSigners, share.Position = w.organisation, w.minSigners, w.index
	return nil
}

// maxShortText bounds public texts: ids and the names of protocols and curves.
const maxShortText = 64

func (s *scanner) shortText(dst *string) error {
	inside, err := s.plainString()
	if err == nil && (len(inside) == 0 || len(inside) > maxShortText) {
		err = malformed("a text is empty or too long")
	}
	if err == nil {
		*dst = string(inside)
	}
	return err
}

// small reads a whole number from 0 to 255.
func (s *scanner) small(dst *int) error {
	digits, err := s.number()
	if err != nil {
		return err
	}
	if len(digits) > len("255") {
		return malformed("a number out of range")
	}
	value, err := strconv.ParseUint(string(digits), 10, 8)
	if err != nil {
		return malformed("a number out of range")
	}
	*dst = int(value)
	return nil
}

// point reads one more compressed point, of whichever curve.
func (s *scanner) point(points *[][]byte) error {
	digits, err := s.plainString()
	if err != nil {
		return err
	}
	point := make([]byte, min(len(digits)/2, maxPointSize))
	if len(*points) == MaxShares || !decodeHex(point, digits) {
		return malformed("too many public shares, or one that is no hex of a point")
	}
	*points = append(*points, point)
	return nil
}
