package node

import (
	"encoding/binary"

	"keyferry/server/signer"
)

// placeLabel begins the associated data, so that no other use of the share-wrapping
// key can produce the same.
const placeLabel = "keyferry share at rest v1"

// place returns the associated data that binds a share to where it belongs, and to all
// that its statements will say of it. All of it stays the same for a share's whole
// life; the index is the one that was stored, never computed anew. Each field stands
// behind its length as four bytes, big-endian; minSigners is eight bytes, big-endian.
func (n *Node) place(s Share) []byte { return place(n.Deployment, n.info.ID, s) }

func place(deployment string, id signer.ID, s Share) []byte {
	vector := s.Public.Hash()
	var b []byte
	for _, field := range [][]byte{
		[]byte(placeLabel), []byte(deployment), []byte(s.Org), []byte(s.Key), id[:],
		[]byte(s.Scheme.Protocol()), []byte(s.Scheme.Curve().Name()), s.PublicKey.Bytes(), s.Index[:],
		binary.BigEndian.AppendUint64(nil, uint64(s.MinSigners)), vector[:],
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	return b
}
