package store

import (
	"encoding/hex"
	"fmt"

	"keyferry/server/recent"
	"keyferry/shares"
)

// points reads the points that stand in rows. It remembers those that it read lately:
// parsing one takes up to 50 µs, for a root or for the check of its subgroup, and an
// export reads some forty. What bytes mean as a point never changes.
type points struct {
	known *recent.Map[encodedPoint, shares.Point]
}

// encodedPoint is a point as it stands in a row: in hex or uncompressed, which are told
// apart by their length.
type encodedPoint struct {
	curve   shares.Curve
	written string
}

// knownPoints is of one generation; an entry takes about 200 bytes.
const knownPoints = 4096

func newPoints() points { return points{recent.NewMap[encodedPoint, shares.Point](knownPoints)} }

// uncompressed is [shares.Curve.ParseUncompressedPoint].
func (p points) uncompressed(curve shares.Curve, encoded []byte) (shares.Point, error) {
	return p.read(encodedPoint{curve, string(encoded)}, func() (shares.Point, error) { return curve.ParseUncompressedPoint(encoded) })
}

// publicKey reads what [shares.Point.Hex] writes.
func (p points) publicKey(curve shares.Curve, text string) (shares.Point, error) {
	return p.read(encodedPoint{curve, text}, func() (shares.Point, error) { return parsePublicKey(curve, text) })
}

func (p points) read(encoded encodedPoint, parse func() (shares.Point, error)) (shares.Point, error) {
	if point, known := p.known.Get(encoded); known {
		return point, nil
	}
	point, err := parse()
	if err == nil {
		p.known.Add(encoded, point)
	}
	return point, err
}

func parsePublicKey(curve shares.Curve, text string) (shares.Point, error) {
	encoded, err := hex.DecodeString(text)
	if err != nil {
		return shares.Point{}, fmt.Errorf("public key: %w", err)
	}
	point, err := curve.ParsePoint(encoded)
	if err != nil {
		return shares.Point{}, fmt.Errorf("public key: %w", err)
	}
	if point.Hex() != text {
		return shares.Point{}, fmt.Errorf("public key: %w: not in lower-case hex", shares.ErrPoint)
	}
	return point, nil
}
