//go:build cgo

package fitness

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"
)

const remedyECDH = "imports by clients need ECDH1 with CKD_NULL on secp256k1 and C_DigestKey; a token that lacks no more than this is fit for a signer whose operator brings shares in with keyferry signer ingest"

// agreement checks what an import needs: a shared point whose x stays in the token, and
// the hash over it by which HKDF begins.
func (e *exam) agreement() {
	key, ok := e.make(e.Keys.Import)
	if !ok {
		return
	}
	use := []Use{Import}
	var derived pkcs11.ObjectHandle
	if e.check("import.agreement", use, func() (f finding) { derived, f = e.derives(key.private); return f }) {
		e.check("import.shared-secret", use, func() finding { return e.staysHidden(derived) })
	}
	e.check("import.hash", use, func() finding { return e.hashes(key) })
	e.check("import.off-curve", use, func() finding { return e.refusesOtherCurves(key.private) })
	e.restrictions(e.Keys.Import, key)
}

func (e *exam) derive(key pkcs11.ObjectHandle, peer []byte) (pkcs11.ObjectHandle, error) {
	params := pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, peer)
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDH1_DERIVE, params)}
	derived, err := e.DeriveKey(e.session, mechanism, key, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
	})
	if err == nil {
		e.keep(derived)
	}
	return derived, err
}

func (e *exam) derives(key pkcs11.ObjectHandle) (pkcs11.ObjectHandle, finding) {
	peer, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return 0, untried("no key to agree with: %v", err)
	}
	defer peer.Zero()
	derived, err := e.derive(key, peer.PubKey().SerializeUncompressed())
	if err != nil {
		return 0, refused(err, "ECDH with CKD_NULL", remedyECDH)
	}
	return derived, passed("derives a shared secret")
}

func (e *exam) staysHidden(derived pkcs11.ObjectHandle) finding {
	if value, err := e.attribute(derived, pkcs11.CKA_VALUE); err == nil && len(value) > 0 {
		return wrong("whoever has the PIN can read what clients send at an import, as he can by other means; Keyferry itself reads it nowhere",
			"a shared secret that was asked for as sensitive can be read").orWarn()
	}
	return passed("cannot be read")
}

// hashes lets the token compute HMAC's inner hash over the shared x, as an import does,
// and compares what HKDF-Extract (RFC 5869 §2.2) makes of it with Go's.
func (e *exam) hashes(key handles) finding {
	own, err := e.point(key.public)
	if err != nil {
		return refused(err, "reading the public key", remedyECDH)
	}
	public, err := secp256k1.ParsePubKey(own)
	if err != nil {
		return wrong(remedyECDH, "the public key is not on secp256k1")
	}
	peer, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return untried("no key to agree with: %v", err)
	}
	defer peer.Zero()
	salt := []byte("keyferry doctor")
	inner, outer := hmacBlocks(salt)
	out := make([]byte, 2*sha256.Size)
	err = e.Calls.HashSharedX(e.session, key.private, peer.PubKey().SerializeUncompressed(), append(bytes.Clone(inner), 2), append(bytes.Clone(inner), 3), out)
	if err != nil {
		return refused(err, "hashing a shared secret with C_DigestKey", remedyECDH)
	}
	x := secp256k1.GenerateSharedSecret(peer, public)
	for i, prefix := range []byte{2, 3} {
		want, err := hkdf.Extract(sha256.New, append([]byte{prefix}, x...), salt)
		if err != nil {
			return untried("HKDF: %v", err)
		}
		got := sha256.Sum256(append(bytes.Clone(outer), out[i*sha256.Size:(i+1)*sha256.Size]...))
		if !hmac.Equal(got[:], want) {
			return wrong(remedyECDH, "the hash of the shared secret is not Go's")
		}
	}
	return passed("HKDF over the shared secret is Go's")
}

// hmacBlocks gives the blocks with which the two hashes of HMAC begin (RFC 2104 §2).
func hmacBlocks(key []byte) (inner, outer []byte) {
	inner, outer = bytes.Repeat([]byte{0x36}, sha256.BlockSize), bytes.Repeat([]byte{0x5c}, sha256.BlockSize)
	for i, b := range key {
		inner[i] ^= b
		outer[i] ^= b
	}
	return inner, outer
}

// refusesOtherCurves takes a peer whose y is wrong: it lies on another curve, and the
// answers of enough such peers tell the private key.
func (e *exam) refusesOtherCurves(key pkcs11.ObjectHandle) finding {
	peer, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return untried("no key to agree with: %v", err)
	}
	defer peer.Zero()
	if _, err := e.derive(key, flipped(peer.PubKey().SerializeUncompressed(), 64)); err == nil {
		return wrong("none needed: Keyferry checks each point itself; whoever has the PIN can learn the import key", "a peer that is not on the curve is taken").orWarn()
	}
	return passed("a peer that is not on the curve is refused")
}
