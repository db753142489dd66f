package useraction

import (
	"crypto/sha256"

	"keyferry/server/recent"
	"keyferry/shares/fields"
)

// Verified remembers which signatures were found valid. That a key signed a message is
// true for ever, so verifiers in one process may share what one of them computed: a
// server and its embedded signers, who all verify each action. Everything else about an
// action is checked by each of them, each time.
//
// It keeps a hash of key, message and signature. Only valid signatures get in. Nil
// remembers nothing. It is safe for concurrent use.
type Verified struct {
	signatures *recent.Map[[sha256.Size]byte, struct{}]
}

// verifiedSize is of one generation; an entry takes about 50 bytes.
const verifiedSize = 4096

// NewVerified returns an empty memory for the verifiers of one process.
func NewVerified() *Verified {
	return &Verified{recent.NewMap[[sha256.Size]byte, struct{}](verifiedSize)}
}

func (v *Verified) has(signature [sha256.Size]byte) bool {
	if v == nil {
		return false
	}
	_, known := v.signatures.Get(signature)
	return known
}

func (v *Verified) add(signature [sha256.Size]byte) {
	if v != nil {
		v.signatures.Add(signature, struct{}{})
	}
}

// nameOf names a signature with all that decides whether it is valid.
func nameOf(publicKey string, message, signature []byte) [sha256.Size]byte {
	return fields.Hash([]byte(publicKey), message, signature)
}
