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

// encodedPoint is a point as it stands in a row. Both forms of a curve, if it has two,
// are told apart by their length.
type encodedPoint struct {
	curve shares.Curve
	bytes string
}

// knownPoints is of one generation; an entry takes about 200 bytes.
const knownPoints = 4096

func newPoints() points { return points{recent.NewMap[encodedPoint, shares.Point](knownPoints)} }

// uncompressed is [shares.Curve.ParseUncompressedPoint].
func (p points) uncompressed(curve shares.Curve, encoded []byte) (shares.Point, error) {
	return p.read(curve, encoded, curve.ParseUncompressedPoint)
}

// publicKey reads what [shares.Point.Hex] writes.
func (p points) publicKey(curve shares.Curve, text string) (shares.Point, error) {
	encoded, err := hex.DecodeString(text)
	if err != nil {
		return shares.Point{}, fmt.Errorf("public key: %w", err)
	}
	point, err := p.read(curve, encoded, curve.ParsePoint)
	if err != nil {
		return shares.Point{}, fmt.Errorf("public key: %w", err)
	}
	if point.Hex() != text {
		return shares.Point{}, fmt.Errorf("public key: %w: not in lower-case hex", shares.ErrPoint)
	}
	return point, nil
}

func (p points) read(curve shares.Curve, encoded []byte, parse func([]byte) (shares.Point, error)) (shares.Point, error) {
	key := encodedPoint{curve, string(encoded)}
	if point, known := p.known.Get(key); known {
		return point, nil
	}
	point, err := parse(encoded)
	if err == nil {
		p.known.Add(key, point)
	}
	return point, err
}
