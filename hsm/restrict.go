//go:build cgo

package hsm

import (
	"bytes"
	"crypto/elliptic"
	"fmt"

	"github.com/miekg/pkcs11"
)

// forbiddenUse is something that the token must refuse to do with a key. Modules exist
// that store a restriction, read it back, and ignore it.
type forbiddenUse struct {
	name string
	try  func(session, pkcs11.ObjectHandle) error // nil means that it was done
}

// mustBeHidden refuses a key that can leave the token. It is asked at each login: a key
// of the right name may have been put there by somebody else.
func (s session) mustBeHidden(spec keySpec, key pkcs11.ObjectHandle) error {
	for _, a := range spec.private {
		if !a.essential {
			continue
		}
		deviation, err := s.readBack(key, a)
		if err != nil {
			return err
		}
		if deviation != "" {
			return fmt.Errorf("key %q is not safe to use, %s: %w", spec.name.label(), deviation, ErrKeysChanged)
		}
	}
	return nil
}

// unenforced lists, in words, the restrictions of a key that the token did not take or
// does not keep.
func (s session) unenforced(spec keySpec, key pkcs11.ObjectHandle) ([]string, error) {
	var deviations []string
	for _, a := range spec.private {
		deviation, err := s.readBack(key, a)
		if err != nil {
			return nil, err
		}
		if deviation != "" {
			deviations = append(deviations, deviation)
		}
	}
	if deviation := spec.forbidden.outcome(spec.forbidden.try(s, key)); deviation != "" {
		deviations = append(deviations, deviation)
	}
	return deviations, nil
}

// readBack compares an attribute with what was asked for; empty means that it holds.
func (s session) readBack(key pkcs11.ObjectHandle, a attribute) (string, error) {
	got, err := s.attribute(key, a.kind)
	switch returned(err) {
	case pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_SENSITIVE:
		return a.name + " cannot be read back", nil
	}
	if err != nil {
		return "", explain("reading back "+a.name, err)
	}
	if want := pkcs11.NewAttribute(a.kind, a.value).Value; !bytes.Equal(got, want) {
		return fmt.Sprintf("%s reads back as %x, not %x", a.name, got, want), nil
	}
	return "", nil
}

// outcome reads the answer to a forbidden use. Only a refusal shows that the token
// refuses; any other error shows nothing.
func (f forbiddenUse) outcome(err error) string {
	if err == nil {
		return f.name + " is possible"
	}
	switch returned(err) {
	case pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_MECHANISM_INVALID,
		pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_ACTION_PROHIBITED, pkcs11.CKR_FUNCTION_NOT_SUPPORTED:
		return ""
	}
	return fmt.Sprintf("%s: cannot tell whether it is refused: %v", f.name, err)
}

// encryptWithCBC encrypts one block, and so ends the operation that it began.
func encryptWithCBC(s session, key pkcs11.ObjectHandle) error {
	block := make([]byte, 16)
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_CBC, block)}
	if err := s.EncryptInit(s.handle, mechanism, key); err != nil {
		return err
	}
	_, err := s.Encrypt(s.handle, block)
	return err
}

func signWithECDSA(s session, key pkcs11.ObjectHandle) error {
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}
	if err := s.SignInit(s.handle, mechanism, key); err != nil {
		return err
	}
	_, err := s.Sign(s.handle, make([]byte, 32))
	return err
}

// deriveWithP256 takes the curve's generator as peer: any point of the curve will do.
func deriveWithP256(s session, key pkcs11.ObjectHandle) error {
	curve := elliptic.P256().Params()
	peer := append([]byte{0x04}, append(curve.Gx.Bytes(), curve.Gy.Bytes()...)...)
	params := pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, peer)
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDH1_DERIVE, params)}
	derived, err := s.DeriveKey(s.handle, mechanism, key, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
	})
	if err != nil {
		return err
	}
	return s.DestroyObject(s.handle, derived)
}
