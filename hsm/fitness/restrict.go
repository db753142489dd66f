//go:build cgo

package fitness

import (
	"fmt"

	"github.com/miekg/pkcs11"
)

const (
	remedyRestriction = "none needed for Keyferry's own use; whoever has the PIN can do more with the key than it is for, so guard the PIN, and give the token no other user"
	remedyReadable    = "do not use this token: a mere reading of attributes gives the key away"
	remedyTakeAway    = "whoever has the PIN can take the key away and use it elsewhere, for ever, as he can with the files of a token that is software: guard both, or choose another token where that must not be"
)

// restrictions tries to do with a key what its attributes forbid. That its value can be
// read rules the token out: the key is not hidden at all. The rest are warnings: whoever
// tries these things has the PIN, and with it everything that the key is for. But one who
// can wrap or copy the key has it still when the PIN is changed.
func (e *exam) restrictions(key Key, made handles) {
	use := []Use{key.Use}
	e.check(key.Role+".read", use, func() finding { return e.cannotBeRead(made.private) })
	e.check(key.Role+".wrap", use, func() finding { return e.cannotBeWrapped(made.private).orWarn() })
	e.check(key.Role+".unhide", use, func() finding { return e.cannotBeUnhidden(made.private) })
	e.check(key.Role+".copy", use, func() finding { return e.copyStaysHidden(made.private).orWarn() })
	e.check(key.Role+".misuse", use, func() finding {
		return refusal(key.Misuse.Name, key.Misuse.Try(e.Ctx, e.session, made.private), remedyRestriction).orWarn()
	})
	// The last, for what it widens may be what the others try.
	e.check(key.Role+".modify", use, func() finding { return e.cannotBeModified(key, made.private).orWarn() })
}

// refusal is what trying something forbidden shows.
func refusal(what string, err error, remedy string) finding {
	switch {
	case err == nil:
		return wrong(remedy, "not enforced: %s is possible", what)
	case forbidden(err):
		return finding{outcome: Passed, err: err, detail: fmt.Sprintf("enforced: %s is refused (%v)", what, err)}
	}
	return finding{outcome: Warning, err: err, remedy: "ask the token's maker",
		detail: fmt.Sprintf("%s ended with %v, which does not say whether it is forbidden", what, err)}
}

func (e *exam) cannotBeRead(key pkcs11.ObjectHandle) finding {
	value, err := e.attribute(key, pkcs11.CKA_VALUE)
	if err == nil && len(value) == 0 {
		return passed("enforced: its value reads as nothing")
	}
	return refusal("reading its value", err, remedyReadable)
}

// wrappers are the ways by which a key may leave a token in a form that opens elsewhere.
func wrappers() []wrapping {
	return []wrapping{
		{"AES key wrap", pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP, nil)},
		{"AES key wrap with padding", pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_WRAP_PAD, nil)},
		{"AES-CBC with padding", pkcs11.NewMechanism(pkcs11.CKM_AES_CBC_PAD, make([]byte, 16))},
		{"AES-CBC", pkcs11.NewMechanism(pkcs11.CKM_AES_CBC, make([]byte, 16))},
		{"AES-ECB", pkcs11.NewMechanism(pkcs11.CKM_AES_ECB, nil)},
	}
}

type wrapping struct {
	name      string
	mechanism *pkcs11.Mechanism
}

// wrapsBy gives the first way by which one key wraps the other, or none.
func (e *exam) wrapsBy(wrapper, key pkcs11.ObjectHandle) (way string, err error) {
	for _, w := range wrappers() {
		_, err := e.WrapKey(e.session, []*pkcs11.Mechanism{w.mechanism}, wrapper, key)
		if err == nil {
			return w.name, nil
		}
		if lost(err) {
			return "", err
		}
	}
	return "", nil
}

func (e *exam) cannotBeWrapped(key pkcs11.ObjectHandle) finding {
	wrapper, err := e.wrapper(false)
	if err != nil {
		return untried("the token makes no key that wraps others (%v), so none can be wrapped out", err)
	}
	defer e.remove(wrapper)
	way, err := e.wrapsBy(wrapper, key)
	switch {
	case err != nil:
		return refused(err, "wrapping it", remedyTakeAway)
	case way != "":
		return wrong(remedyTakeAway, "not enforced: it can be wrapped by %s", way)
	}
	return passed("enforced: it cannot be wrapped by any of %d mechanisms", len(wrappers()))
}

// wrapper is an AES key that may wrap, and that may leave the token itself if it is asked
// for as extractable.
func (e *exam) wrapper(extractable bool) (pkcs11.ObjectHandle, error) {
	key, err := e.GenerateKey(e.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, append(e.mark.attributes(),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, true), pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, extractable),
	))
	if err == nil {
		e.keep(key)
	}
	return key, err
}

// wrapsWith tries to wrap with the key that may only encrypt and decrypt. A key that may
// do both tells the keys that it wraps.
func (e *exam) wrapsWith(key pkcs11.ObjectHandle) {
	e.check(e.Keys.ShareWrapping.Role+".wrap-others", []Use{Hold}, func() finding {
		victim, err := e.wrapper(true)
		if err != nil {
			return untried("the token makes no key that could be wrapped: %v", err)
		}
		defer e.remove(victim)
		way, err := e.wrapsBy(key, victim)
		switch {
		case err != nil:
			return refused(err, "wrapping another key with it", remedyRestriction)
		case way != "":
			return wrong(remedyRestriction, "not enforced: it wraps other keys by %s", way).orWarn()
		}
		return passed("enforced: it wraps no other keys")
	})
}

// exposures are the attributes that would let a hidden key be read.
func exposures() []*pkcs11.Attribute {
	return []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false)}
}

func (e *exam) cannotBeUnhidden(key pkcs11.ObjectHandle) finding {
	for _, exposure := range exposures() {
		err := e.SetAttributeValue(e.session, key, []*pkcs11.Attribute{exposure})
		if lost(err) {
			return refused(err, "changing its attributes", remedyReadable)
		}
	}
	if exposed, err := e.exposed(key); err != nil || exposed {
		return wrong(remedyReadable, "not enforced: CKA_EXTRACTABLE or CKA_SENSITIVE of a hidden key can be changed")
	}
	return passed("enforced: CKA_EXTRACTABLE and CKA_SENSITIVE cannot be changed")
}

// exposed reports whether an object's attributes let it be read or wrapped.
func (e *exam) exposed(key pkcs11.ObjectHandle) (bool, error) {
	for _, exposure := range exposures() {
		value, err := e.attribute(key, exposure.Type)
		if err != nil {
			return true, err
		}
		if len(value) == 1 && value[0] == exposure.Value[0] {
			return true, nil
		}
	}
	return false, nil
}

func (e *exam) copyStaysHidden(key pkcs11.ObjectHandle) finding {
	for _, exposure := range exposures() {
		copied, err := e.CopyObject(e.session, key, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), exposure})
		if lost(err) {
			return refused(err, "copying it", remedyTakeAway)
		}
		if err != nil {
			continue
		}
		e.keep(copied)
		if exposed, err := e.exposed(copied); err != nil || exposed {
			return wrong(remedyTakeAway, "not enforced: a copy of a hidden key need not be hidden")
		}
	}
	return passed("enforced: no copy of it is less hidden")
}

func (e *exam) cannotBeModified(key Key, object pkcs11.ObjectHandle) finding {
	widened := pkcs11.NewAttribute(pkcs11.CKA_DERIVE, true)
	if key.Use == Import {
		widened = pkcs11.NewAttribute(pkcs11.CKA_SIGN, true)
	}
	err := e.SetAttributeValue(e.session, object, []*pkcs11.Attribute{widened})
	if err == nil {
		if value, _ := e.attribute(object, widened.Type); len(value) == 1 && value[0] == 0 {
			return passed("enforced: what it is for stays as it is")
		}
	}
	return refusal("widening what it is for", err, remedyRestriction)
}
