package identity

import (
	"crypto/sha256"
	"sync"
)

// verifiedTokens remembers the payloads of tokens whose signature was found valid, since
// verifying one costs more than the rest of a request's authentication. It answers for the
// signature only: whether a token has expired or was revoked is to be asked each time.
//
// It keeps a hash in place of each token, and at most twice its size of them: when a
// generation is full, the one before it goes. Only tokens that this deployment signed get
// in, so strangers cannot push others out. It is safe for concurrent use.
type verifiedTokens struct {
	size     int
	mu       sync.Mutex
	now, old map[[sha256.Size]byte]jwtClaims
}

// verifiedSize is of one generation; an entry takes about half a KiB.
const verifiedSize = 4096

func newVerifiedTokens(size int) *verifiedTokens {
	return &verifiedTokens{size: size, now: map[[sha256.Size]byte]jwtClaims{}}
}

// payload returns the payload of a token that was added and is not forgotten.
func (v *verifiedTokens) payload(token [sha256.Size]byte) (jwtClaims, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if payload, known := v.now[token]; known {
		return payload, true
	}
	payload, known := v.old[token]
	if known { // in use, so it outlives its generation
		v.keep(token, payload)
	}
	return payload, known
}

func (v *verifiedTokens) add(token [sha256.Size]byte, payload jwtClaims) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep(token, payload)
}

func (v *verifiedTokens) keep(token [sha256.Size]byte, payload jwtClaims) {
	if len(v.now) >= v.size {
		v.old, v.now = v.now, map[[sha256.Size]byte]jwtClaims{}
	}
	v.now[token] = payload
}
