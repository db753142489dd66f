//go:build cgo

package hsm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

// Some libraries take parameters when they are initialised, and crypto11, which insists
// on initialising the library itself, has none to give. For these the Module initialises
// the library, and the identity key signs by way of miekg/pkcs11 in place of crypto11.

// nobody keeps the library initialised where no crypto11 context does.
type nobody struct{}

func (nobody) Close() error { return nil }

// startWithParameters does what start does. The caller is alone.
func (m *Module) startWithParameters() error {
	if err := m.initialise(m.initialiseAlone); err != nil {
		return err
	}
	m.keeper = nobody{}
	return nil
}

// initialiseAlone initialises the library without crypto11.
func (m *Module) initialiseAlone() error {
	if m.parameters == "" {
		return m.p11.Initialize()
	}
	return m.direct.initialise(m.parameters)
}

// signingPair is an identity key as one login sees it.
type signingPair struct {
	public  *ecdsa.PublicKey
	private pkcs11.ObjectHandle
	signer  crypto11.Signer // nil where there is no crypto11
}

func (s session) signingPair(name keyName, key keyHandles, signing *crypto11.Context) (pair signingPair, err error) {
	pair.private = key.private
	if signing == nil {
		pair.public, err = s.p256Point(key.public)
		return pair, err
	}
	if pair.signer, err = signing.FindKeyPair([]byte(name.id()), []byte(name.label())); err != nil {
		return pair, explain("finding the identity key", err)
	}
	if pair.signer == nil {
		return pair, fmt.Errorf("%q: %w", name.label(), ErrNotInitialised)
	}
	var ok bool
	if pair.public, ok = pair.signer.Public().(*ecdsa.PublicKey); !ok {
		return pair, fmt.Errorf("identity key: not an ECDSA key: %w", ErrKeysChanged)
	}
	return pair, nil
}

func (s session) p256Point(key pkcs11.ObjectHandle) (*ecdsa.PublicKey, error) {
	point, err := s.point(key)
	if err != nil && !errors.Is(err, ErrPeer) {
		return nil, explain("reading the public half of the identity key", err)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("identity key: not a P-256 key: %w", ErrKeysChanged)
	}
	return public, nil
}

// signP256 signs a digest of at least 32 bytes, of which ECDSA with P-256 takes the first
// 32 (SEC 1 §4.1.3), and returns ASN.1. The token answers r || s, 32 bytes each
// (PKCS#11 v2.40 mechanisms §2.3.1).
func (s session) signP256(key pkcs11.ObjectHandle, digest []byte) ([]byte, error) {
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}
	if err := s.SignInit(s.handle, mechanism, key); err != nil {
		return nil, err
	}
	signature, err := s.Sign(s.handle, digest[:32])
	if err != nil {
		return nil, err
	}
	if len(signature) != 64 {
		return nil, errImpossible
	}
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])})
}
