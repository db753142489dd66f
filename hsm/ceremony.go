//go:build cgo

package hsm

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// KeyReport is what the key ceremony found and made.
type KeyReport struct {
	Token string
	Keys  []KeyState
}

// KeyState is one key of the token.
type KeyState struct {
	Role    string // share-wrapping, import or identity
	Label   string // CKA_LABEL
	ID      string // CKA_ID
	Created bool   // now, and not by an earlier ceremony

	// Omitted says why the token can do without this key, and that it was not made.
	Omitted string

	// NotEnforced says, in words, which restrictions the token did not take or does
	// not keep. It is empty where the token does all that was asked.
	NotEnforced []string
}

// Init holds the key ceremony: it makes the keys that are missing, reads back what the
// token made of them, and tries a forbidden use of each. Keys that exist are kept;
// holding it again changes nothing.
//
// A key that could leave the token is an error and no line in the report; if Init made
// it, it is destroyed. Errors beside those of every operation: [ErrMechanismMissing],
// [ErrKeysChanged] for keys under our names that Keyferry would not have made.
func (t *Token) Init(ctx context.Context) (*KeyReport, error) {
	ctx = handedOver(ctx)
	t.ceremony.Lock()
	defer t.ceremony.Unlock()
	created := make(map[string]bool) // over all attempts
	states, err := run(ctx, t, job[[]KeyState]{
		op:   opCeremony,
		work: withSession(t, func(s session) ([]KeyState, error) { return s.ceremony(t.fittingKeys(), created) }),
	})
	if err != nil {
		return nil, err
	}
	if err := t.Ready(ctx); err != nil {
		return nil, err
	}
	return &KeyReport{Token: t.cfg.Label, Keys: append(states, t.omitted()...)}, nil
}

// ceremony makes the given keys beside the share-wrapping keys.
func (s session) ceremony(lasting []keySpec, created map[string]bool) ([]KeyState, error) {
	wrapping, err := s.wrappingSpecs()
	if err != nil {
		return nil, err
	}
	var states []KeyState
	for _, spec := range append(wrapping, lasting...) {
		state, err := s.ensure(spec)
		created[state.Role] = created[state.Role] || state.Created
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", spec.name.label(), err)
		}
		state.Created = created[state.Role]
		states = append(states, state)
	}
	return states, nil
}

// ensure makes a key unless it is there.
func (s session) ensure(spec keySpec) (KeyState, error) {
	state := KeyState{Role: spec.name.role, Label: spec.name.label(), ID: spec.name.id()}
	key, err := s.find(spec)
	if errors.Is(err, ErrNotInitialised) {
		state.Created = true
		err = s.create(spec)
		if err == nil {
			// Found by name again: a ceremony in another process may have made one too.
			key, err = s.find(spec)
		}
	}
	if err != nil {
		return state, err
	}
	if err := s.mustBeHidden(spec, key.private); err != nil {
		return state, err
	}
	state.NotEnforced, err = s.unenforced(spec, key.private)
	return state, err
}

// create makes a key; one that turns out not to be safe does not stay.
func (s session) create(spec keySpec) error {
	if err := s.noHalf(spec); err != nil {
		return err
	}
	key, err := s.generate(spec, true)
	if returned(err) == pkcs11.CKR_GENERAL_ERROR {
		// NSS says so of attributes that it has no place for. A passing trouble, which
		// other modules call the same, must not cost the key its restrictions.
		key, err = s.generate(spec, true)
	}
	if templateRefused(err) || returned(err) == pkcs11.CKR_GENERAL_ERROR {
		key, err = s.generate(spec, false)
	}
	if err != nil {
		return explain(fmt.Sprintf("generating by mechanism %#x", spec.generate), err)
	}
	if err := s.mustBeHidden(spec, key.private); err != nil {
		return errors.Join(err, s.destroy(key))
	}
	return nil
}

// noHalf refuses to make a pair where one half of it is left from something else.
func (s session) noHalf(spec keySpec) error {
	if spec.public == nil {
		return nil
	}
	for _, class := range []uint{pkcs11.CKO_PRIVATE_KEY, pkcs11.CKO_PUBLIC_KEY} {
		found, err := s.findAll(spec, class)
		if err != nil {
			return explain("finding", err)
		}
		if len(found) > 0 {
			return fmt.Errorf("half of the key pair is missing: %w", ErrKeysChanged)
		}
	}
	return nil
}

func (s session) generate(spec keySpec, withOptional bool) (key keyHandles, err error) {
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(spec.generate, nil)}
	private := spec.template(spec.private, withOptional)
	if spec.public == nil {
		key.private, err = s.GenerateKey(s.handle, mechanism, private)
		return key, err
	}
	public := spec.template(spec.public, withOptional)
	key.public, key.private, err = s.GenerateKeyPair(s.handle, mechanism, public, private)
	return key, err
}

// templateRefused reports whether the module may take the key with fewer attributes.
func templateRefused(err error) bool {
	switch returned(err) {
	case pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID,
		pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_TEMPLATE_INCONSISTENT:
		return true
	}
	return false
}

func (s session) destroy(key keyHandles) error {
	err := s.DestroyObject(s.handle, key.private)
	if key.public != 0 {
		err = errors.Join(err, s.DestroyObject(s.handle, key.public))
	}
	return err
}
