package node

import (
	"keyferry/server/signer"
	"keyferry/shares/fields"
)

// placeLabel begins the associated data, so that no other use of the share-wrapping
// key can produce the same.
const placeLabel = "keyferry share at rest v1"

// place returns the associated data that binds a share to where it belongs, and to all
// that its statements will say of it. All of it stays the same for a share's whole
// life; the index is the one that was stored, never computed anew. It is all fields;
// minSigners is eight bytes, big-endian.
func (n *Node) place(s Share) []byte { return place(n.Deployment, n.info.ID, s) }

func place(deployment string, id signer.ID, s Share) []byte {
	vector := s.Public.Hash()
	return fields.Append(nil,
		[]byte(placeLabel), []byte(deployment), []byte(s.Org), []byte(s.Key), id[:],
		[]byte(s.Scheme.Protocol()), []byte(s.Scheme.Curve().Name()), s.PublicKey.Bytes(), s.Index[:],
		fields.Uint64(uint64(s.MinSigners)), vector[:],
	)
}
