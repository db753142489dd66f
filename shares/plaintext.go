package shares

import (
	"bytes"

	"keyferry/shares/locked"
)

// SealRoom is how far the buffers of EncodeExport and EncodeImport can grow, so
// that the envelope can seal them where they stand: a tag of 16 bytes and an
// ephemeral key of 33.
const SealRoom = 49

// plaintextVersion is the only version of both plaintexts.
const plaintextVersion = 1

// plaintextAround returns prefix, the secret in hex, suffix.
func plaintextAround(prefix string, secret *[scalarSize]byte, suffix string) (*locked.Buffer, error) {
	length := len(prefix) + 2*scalarSize + len(suffix)
	b, err := locked.NewWithCapacity(length, length+SealRoom)
	if err != nil {
		return nil, err
	}
	text := b.Bytes()
	copy(text, prefix)
	copy(text[length-len(suffix):], suffix)
	locked.Do(func() { encodeHex(text[len(prefix):], secret[:]) })
	return b, nil
}

// curveHex reads {"curve":C,"<member>":<hex>} into dst, in any order of members.
func (s *scanner) curveHex(curve Curve, member string, dst []byte) error {
	return s.members(map[string]func() error{
		"curve": func() error { return s.curveName(curve) },
		member:  func() error { return s.hexString(dst) },
	})
}

func (s *scanner) curveName(curve Curve) error {
	name, err := s.plainString()
	if err == nil && !bytes.Equal(name, []byte(curve.Name())) {
		err = malformed("of another curve")
	}
	return err
}

// hexString reads exactly len(dst) bytes.
func (s *scanner) hexString(dst []byte) error {
	digits, err := s.plainString()
	if err == nil && !decodeHex(dst, digits) {
		err = malformed("not hex of the right length")
	}
	return err
}
