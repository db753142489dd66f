//go:build cgo

package hsm

import (
	"context"
	"crypto"
	"fmt"
	"io"

	"github.com/miekg/pkcs11"
)

// Identity returns the signer's first identity key: P-256, ECDSA.
func (t *Token) Identity() Identity { return t.IdentityAt(1) }

// Identity is an identity key as a [crypto.Signer]. Its Public is an *ecdsa.PublicKey, or
// nil while the token has no such key. Its signatures are ASN.1, as crypto/ecdsa and
// crypto/tls want them. It looks its key up anew for each use, since crypto11 returns dead
// sessions to its pool: only a new context, which a new login brings, gets rid of them.
type Identity struct {
	token   *Token
	version int
	ctx     context.Context
}

// In gives the same key, whose signatures end with the context and are done where it says:
// see [Token.Together]. A [crypto.Signer] could not be told otherwise.
func (i Identity) In(ctx context.Context) crypto.Signer {
	i.ctx = ctx
	return i
}

// Public implements [crypto.Signer].
func (i Identity) Public() crypto.PublicKey {
	keys := i.token.lastKeys()
	if keys == nil || keys.identityAt(i.version) == nil {
		return nil
	}
	return keys.identityAt(i.version).public
}

// Sign implements [crypto.Signer]. digest is the output of opts.HashFunc, at least 32
// bytes; randomness is the token's own affair. Errors: as for every operation.
func (i Identity) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if hash := opts.HashFunc(); hash == 0 || len(digest) != hash.Size() || len(digest) < 32 {
		return nil, fmt.Errorf("signing with the identity key: %d bytes are not a digest by %v", len(digest), hash)
	}
	return run(i.ctx, i.token, job[[]byte]{
		op:   opSign,
		work: i.signing(random, digest, opts),
	})
}

// signing is a signature by crypto11, which has sessions of its own, or by ourselves
// where crypto11 cannot be had.
func (i Identity) signing(random io.Reader, digest []byte, opts crypto.SignerOpts) func(*login) ([]byte, error) {
	if i.token.module.parameters != "" {
		return withKeys(i.token, func(s session) ([]byte, error) {
			key := s.keys.identityAt(i.version)
			if key == nil {
				return nil, ErrNotInitialised
			}
			return s.signP256(key.private, digest)
		})
	}
	return func(l *login) ([]byte, error) {
		if l.keys == nil || l.keys.identityAt(i.version) == nil {
			return nil, ErrNotInitialised
		}
		signature, err := l.keys.identityAt(i.version).signer.Sign(random, digest, opts)
		if err != nil && returned(err) == pkcs11.CKR_OK {
			// crypto11's own: its context was closed, its sessions all hang, or
			// what the token gave is no signature.
			err = fmt.Errorf("%w: %w", errNoLogin, err)
		}
		return signature, err
	}
}
