package identity

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// idBytes is how much randomness an identifier carries: 128 bits, so that ids of
// several processes never meet.
const idBytes = 16

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewID returns a random identifier of the API's form, prefix-5-5-16 lower-case
// letters and digits, such as "key-01snl-t56gb-j8tsok0vn802p80i".
func NewID(prefix string) string {
	var random [idBytes]byte
	rand.Read(random[:])
	return DeriveID(prefix, random)
}

// DeriveID returns the identifier of the same form that stands for the given bytes.
func DeriveID(prefix string, from [idBytes]byte) string {
	digits := strings.ToLower(idEncoding.EncodeToString(from[:]))
	return prefix + "-" + digits[:5] + "-" + digits[5:10] + "-" + digits[10:]
}
