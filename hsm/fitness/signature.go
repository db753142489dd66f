//go:build cgo

package fitness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	"github.com/miekg/pkcs11"
)

const remedyECDSA = "choose a token with ECDSA on P-256: statements, the manifest and TLS are signed by it"

// signing checks the identity key.
func (e *exam) signing() {
	key, ok := e.make(e.Keys.Identity)
	if !ok {
		return
	}
	e.check("sign.ecdsa", []Use{Sign}, func() finding { return e.signatureIsGood(key) })
	e.restrictions(e.Keys.Identity, key)
}

func (e *exam) sign(key pkcs11.ObjectHandle, digest []byte) ([]byte, error) {
	if err := e.SignInit(e.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, key); err != nil {
		return nil, err
	}
	return e.Sign(e.session, digest)
}

// signatureIsGood verifies in Go what the token answers: r || s, 32 bytes each
// (PKCS#11 v2.40 mechanisms §2.3.1).
func (e *exam) signatureIsGood(key handles) finding {
	point, err := e.point(key.public)
	if err != nil {
		return refused(err, "reading the public key", remedyECDSA)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return wrong(remedyECDSA, "the public key is not on P-256")
	}
	digest := sha256.Sum256([]byte("keyferry doctor signs this"))
	signature, err := e.sign(key.private, digest[:])
	if err != nil {
		return refused(err, "signing by ECDSA", remedyECDSA)
	}
	if len(signature) != 64 {
		return wrong(remedyECDSA, "a signature has %d bytes, not 64", len(signature))
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(public, digest[:], r, s) {
		return wrong(remedyECDSA, "Go does not verify the token's signature")
	}
	return passed("Go verifies the token's signature")
}
