//go:build cgo

package hsm

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/miekg/pkcs11"
)

// keySet is the token's keys as one login sees them. Handles mean nothing in another.
type keySet struct {
	wrapping      wrappingKeys
	importPrivate pkcs11.ObjectHandle
	importPublic  []byte        // 65 bytes, SEC1; nil on a token that cannot import
	identities    []signingPair // by their versions, from 1
}

// keyHandles are the halves of one key; public is zero for a secret key.
type keyHandles struct {
	private, public pkcs11.ObjectHandle
}

// loadKeys finds every key and makes sure that none of them can leave the token. It
// returns ErrNotInitialised if any is missing, but for the import key, which not every
// token can make.
func loadKeys(p11 *pkcs11.Ctx, handle pkcs11.SessionHandle, signing *crypto11.Context) (*keySet, error) {
	s := session{Ctx: p11, handle: handle}
	wrapping, err := s.wrappingKeys()
	if err != nil {
		return nil, err
	}
	found := make(map[string]keyHandles)
	for _, spec := range lastingKeys() {
		key, err := s.find(spec)
		if spec.name.role == roleImport && errors.Is(err, ErrNotInitialised) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := s.mustBeHidden(spec, key.private); err != nil {
			return nil, err
		}
		found[spec.name.role] = key
	}
	return s.keySet(wrapping, found, signing)
}

func (s session) keySet(wrapping wrappingKeys, found map[string]keyHandles, signing *crypto11.Context) (*keySet, error) {
	var public []byte
	if pair, has := found[roleImport]; has {
		var err error
		if public, err = s.secp256k1Point(pair.public); err != nil {
			return nil, fmt.Errorf("public half of the import key: %w", err)
		}
	}
	first, err := s.signingPair(identityKey().name, found[roleIdentity], signing)
	if err != nil {
		return nil, err
	}
	later, err := s.laterIdentities(signing)
	if err != nil {
		return nil, err
	}
	return &keySet{
		wrapping:      wrapping,
		importPrivate: found[roleImport].private,
		importPublic:  public,
		identities:    append([]signingPair{first}, later...),
	}, nil
}

// same compares public halves. Keys that appear where there were none are the key
// ceremony's. Share-wrapping keys come and go with rotations: operations name the one that
// they need.
func (k *keySet) same(other *keySet) bool {
	if k == nil {
		return true
	}
	if other == nil {
		return false
	}
	return k.continues(other) && bytes.Equal(k.importPublic, other.importPublic)
}

// find gives a key's handles. It refuses a second object of the same name, for then
// nobody can say which one is meant, and half a pair.
func (s session) find(spec keySpec) (keyHandles, error) {
	var key keyHandles
	var err error
	if key.private, err = s.findOne(spec, spec.class()); err != nil || spec.public == nil {
		return key, err
	}
	key.public, err = s.findOne(spec, pkcs11.CKO_PUBLIC_KEY)
	return key, err
}

// class is that of the half that stays hidden.
func (s keySpec) class() uint {
	if s.public == nil {
		return pkcs11.CKO_SECRET_KEY
	}
	return pkcs11.CKO_PRIVATE_KEY
}

func (s session) findOne(spec keySpec, class uint) (pkcs11.ObjectHandle, error) {
	found, err := s.findAll(spec, class)
	if err != nil {
		return 0, explain(fmt.Sprintf("finding %q", spec.name.label()), err)
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("%q: %w", spec.name.label(), ErrNotInitialised)
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("more than one key %q: %w", spec.name.label(), ErrKeysChanged)
}

// findAll gives up to two handles, which is enough to know that there are too many.
func (s session) findAll(spec keySpec, class uint) ([]pkcs11.ObjectHandle, error) {
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, class),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, spec.name.label()),
		pkcs11.NewAttribute(pkcs11.CKA_ID, spec.name.id()),
	}
	if err := s.FindObjectsInit(s.handle, template); err != nil {
		return nil, err
	}
	found, _, err := s.FindObjects(s.handle, 2)
	if final := s.FindObjectsFinal(s.handle); err == nil {
		err = final
	}
	return found, err
}

// secp256k1Point reads CKA_EC_POINT, which is a DER OCTET STRING with the SEC1 point in
// it (PKCS#11 v2.40 mechanisms §2.3.3); some modules leave the DER out.
func (s session) secp256k1Point(key pkcs11.ObjectHandle) ([]byte, error) {
	point, err := s.point(key)
	if err != nil {
		return nil, err
	}
	if err := checkPoint(point); err != nil {
		return nil, err
	}
	return point, nil
}

// point is on no curve yet.
func (s session) point(key pkcs11.ObjectHandle) ([]byte, error) {
	value, err := s.attribute(key, pkcs11.CKA_EC_POINT)
	if err != nil || len(value) == pointLength {
		return value, err
	}
	var point []byte
	if rest, err := asn1.Unmarshal(value, &point); err != nil || len(rest) > 0 {
		return nil, ErrPeer
	}
	return point, nil
}

// checkPoint accepts 65 bytes, 0x04 || x || y, on the curve. It is variable-time: points
// here are public.
func checkPoint(point []byte) error {
	if len(point) != pointLength || point[0] != 0x04 {
		return ErrPeer
	}
	if _, err := secp256k1.ParsePubKey(point); err != nil {
		return ErrPeer
	}
	return nil
}

func (s session) attribute(object pkcs11.ObjectHandle, kind uint) ([]byte, error) {
	values, err := s.GetAttributeValue(s.handle, object, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return values[0].Value, nil
}
