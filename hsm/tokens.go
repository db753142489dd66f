//go:build cgo

package hsm

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// placed is a token and the slot it is in.
type placed struct {
	slot uint
	info pkcs11.TokenInfo
}

// Labels lists the labels of the initialised tokens, in the order of their slots. Two
// tokens may have the same.
func (m *Module) Labels() ([]string, error) {
	var labels []string
	err := m.administer(func() error {
		tokens, err := m.tokens()
		labels = labelsOf(tokens)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing tokens: %w", err)
	}
	return labels, nil
}

// CreateToken initialises a free slot as a token with this label and these PINs, of the
// security officer and of the user. It is for SoftHSM; the tokens of hardware are made
// with its maker's tools. It refuses a label that exists already.
func (m *Module) CreateToken(label string, so, user *PIN) error {
	padded, err := padLabel(label)
	if err != nil {
		return err
	}
	if so == nil || user == nil {
		return fmt.Errorf("making token %q: it needs a PIN for the security officer and one for the user", label)
	}
	err = m.administer(func() error {
		m.making.Lock()
		defer m.making.Unlock()
		slot, err := m.freeSlot(label, user)
		if err != nil {
			return err
		}
		if err := m.direct.initToken(slot, so.bytes(), padded); err != nil {
			return err
		}
		if _, err := m.tokens(); err != nil { // has the library change its table now
			return err
		}
		return m.setUserPIN(slot, so, user)
	})
	if err != nil {
		return explain(fmt.Sprintf("making token %q", label), err)
	}
	return nil
}

// padLabel pads with blanks, as PKCS#11 v2.40 §5.5 (C_InitToken) asks.
func padLabel(label string) ([labelLength]byte, error) {
	var padded [labelLength]byte
	if label == "" || len(label) > labelLength {
		return padded, fmt.Errorf("token label %q: a label has 1 to %d bytes", label, labelLength)
	}
	if label[len(label)-1] == ' ' {
		return padded, fmt.Errorf("token label %q: blanks at the end of a label get lost", label)
	}
	copy(padded[:], bytes.Repeat([]byte{' '}, labelLength))
	copy(padded[:], label)
	return padded, nil
}

// freeSlot also makes sure beforehand that the user's PIN has a length that the token
// takes: a token that is made cannot be unmade.
func (m *Module) freeSlot(label string, user *PIN) (uint, error) {
	tokens, err := m.tokens()
	if err != nil {
		return 0, err
	}
	for _, token := range tokens {
		if token.info.Label == label {
			return 0, errors.New("a token of that label exists")
		}
	}
	free, err := m.slots(func(info pkcs11.TokenInfo) bool { return info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 })
	if err != nil {
		return 0, err
	}
	if len(free) == 0 {
		return 0, errors.New("no slot has an uninitialised token: make one with the tools of the module's maker")
	}
	info, length := free[0].info, uint(len(user.bytes()))
	if length < info.MinPinLen || length > info.MaxPinLen {
		return 0, fmt.Errorf("the token takes PINs of %d to %d bytes", info.MinPinLen, info.MaxPinLen)
	}
	return free[0].slot, nil
}

// setUserPIN logs in as the security officer, which needs a session that can write and
// no other session on the slot.
func (m *Module) setUserPIN(slot uint, so, user *PIN) error {
	session, err := m.p11.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return err
	}
	defer m.p11.CloseSession(session)
	if err := m.direct.login(session, pkcs11.CKU_SO, so.bytes()); err != nil {
		return err
	}
	defer m.p11.Logout(session)
	return m.direct.initPIN(session, user.bytes())
}

// find gives the one token with this label; the library must be initialised.
func (m *Module) find(label string) (placed, error) {
	tokens, err := m.tokens()
	if err != nil {
		return placed{}, explain("listing tokens", err)
	}
	var found []placed
	for _, token := range tokens {
		if token.info.Label == label {
			found = append(found, token)
		}
	}
	if len(found) != 1 {
		return placed{}, &TokenNotFoundError{Label: label, Labels: labelsOf(tokens)}
	}
	return found[0], nil
}

// tokens lists the initialised tokens; the library must be initialised.
func (m *Module) tokens() ([]placed, error) {
	return m.slots(func(info pkcs11.TokenInfo) bool { return info.Flags&pkcs11.CKF_TOKEN_INITIALIZED != 0 })
}

// slots lists what is in the slots. A token that is pulled out between the two calls is
// passed over.
func (m *Module) slots(wanted func(pkcs11.TokenInfo) bool) ([]placed, error) {
	numbers, err := m.p11.GetSlotList(true)
	if err != nil {
		return nil, err
	}
	var list []placed
	for _, number := range numbers {
		info, err := m.p11.GetTokenInfo(number)
		if err == nil && wanted(info) {
			list = append(list, placed{slot: number, info: info})
		}
	}
	return list, nil
}

func labelsOf(tokens []placed) []string {
	labels := []string{}
	for _, token := range tokens {
		labels = append(labels, token.info.Label)
	}
	return labels
}
