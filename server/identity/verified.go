package identity

import (
	"crypto/sha256"

	"keyferry/server/recent"
)

// verifiedTokens remembers the payloads of tokens whose signature was found valid, since
// verifying one costs more than the rest of a request's authentication. It answers for the
// signature only: whether a token has expired or was revoked is to be asked each time.
//
// It keeps a hash in place of each token. Only tokens that this deployment signed get
// in, so strangers cannot push others out.
type verifiedTokens = recent.Map[[sha256.Size]byte, jwtClaims]

// verifiedSize is of one generation; an entry takes about half a KiB.
const verifiedSize = 4096
