//go:build cgo

package fitness

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/pkcs11"
)

// Key describes a key as the key ceremony makes it.
type Key struct {
	Role     string // as in package hsm
	Use      Use
	Generate uint // the mechanism
	Private  []Attribute
	Public   []Attribute // nil for a secret key
	Misuse   Misuse
}

// Attribute is one line of a key's template. Without an essential one the key is not safe
// to use; a module may refuse to be asked for an optional one.
type Attribute struct {
	Name                string
	Kind                uint
	Value               any
	Essential, Optional bool
}

// Misuse is something that the key's attributes forbid.
type Misuse struct {
	Name string
	Try  func(*pkcs11.Ctx, pkcs11.SessionHandle, pkcs11.ObjectHandle) error // nil: it was done
}

// handles are the halves of a key; public is zero for a secret key.
type handles struct{ private, public pkcs11.ObjectHandle }

// make generates the key by its template, checks it, and reports whether it can be used
// for more.
func (e *exam) make(key Key) (made handles, ok bool) {
	ok = e.check(key.Role+".generate", []Use{key.Use}, func() finding {
		var err error
		made, err = e.generate(key, true)
		if err == nil {
			return passed("made as asked")
		}
		if !refusesTemplate(err) {
			return refused(err, "generating the key", remedyMechanism(key))
		}
		if made, err = e.generate(key, false); err != nil {
			return refused(err, "generating the key", remedyMechanism(key))
		}
		return finding{outcome: Warning, detail: "made, but only without CKA_MODIFIABLE and CKA_ALLOWED_MECHANISMS, which the token refuses to be asked for",
			remedy: "see the checks of its restrictions"}
	})
	return made, ok && e.readBack(key, made.private)
}

func remedyMechanism(key Key) string {
	if key.Use == Import {
		return remedyECDH
	}
	return "enable the mechanism on the token, if its maker has a setting or a firmware for it; else choose another token"
}

func (e *exam) generate(key Key, withOptional bool) (made handles, err error) {
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(key.Generate, nil)}
	private := e.template(key.Private, withOptional)
	if key.Public == nil {
		made.private, err = e.GenerateKey(e.session, mechanism, private)
	} else {
		made.public, made.private, err = e.GenerateKeyPair(e.session, mechanism, e.template(key.Public, withOptional), private)
	}
	if err != nil {
		return made, err
	}
	e.keep(made.private)
	if key.Public != nil {
		e.keep(made.public)
	}
	return made, nil
}

// template is what the token is asked for. Keys are the session's, unless the examination
// makes keys as the key ceremony does.
func (e *exam) template(attributes []Attribute, withOptional bool) []*pkcs11.Attribute {
	list := e.mark.attributes()
	for _, a := range attributes {
		if a.Optional && !withOptional {
			continue
		}
		if a.Kind == pkcs11.CKA_TOKEN {
			a.Value = e.permanent
		}
		list = append(list, pkcs11.NewAttribute(a.Kind, a.Value))
	}
	return list
}

func refusesTemplate(err error) bool {
	return slices.Contains([]pkcs11.Error{
		pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID,
		pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_TEMPLATE_INCONSISTENT,
		pkcs11.CKR_GENERAL_ERROR,
	}, answer(err))
}

// readBack compares the key's attributes with what was asked for.
func (e *exam) readBack(key Key, object pkcs11.ObjectHandle) bool {
	return e.check(key.Role+".attributes", []Use{key.Use}, func() finding {
		var essential, others []string
		for _, a := range key.Private {
			deviation, err := e.deviation(object, a)
			if err != nil {
				return refused(err, "reading "+a.Name, "do not use this token: a key cannot be checked")
			}
			switch {
			case deviation == "":
			case a.Essential:
				essential = append(essential, deviation)
			default:
				others = append(others, deviation)
			}
		}
		switch {
		case len(essential) > 0:
			return wrong("do not use this token: a key that it makes is not as safe as asked", "%s", strings.Join(essential, ", "))
		case len(others) > 0:
			return wrong(remedyRestriction, "%s", strings.Join(others, ", ")).orWarn()
		}
		return passed("read back as asked")
	})
}

func (e *exam) deviation(object pkcs11.ObjectHandle, a Attribute) (string, error) {
	if a.Kind == pkcs11.CKA_TOKEN {
		a.Value = e.permanent
	}
	got, err := e.attribute(object, a.Kind)
	switch answer(err) {
	case pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_SENSITIVE:
		return a.Name + " cannot be read back", nil
	}
	if err != nil {
		return "", err
	}
	if want := pkcs11.NewAttribute(a.Kind, a.Value).Value; !bytes.Equal(got, want) {
		return fmt.Sprintf("%s reads back as %x, not %x", a.Name, got, want), nil
	}
	return "", nil
}

// errPoint says that a public key is not in either of the forms that modules use.
var errPoint = errors.New("CKA_EC_POINT is no uncompressed point")

// point gives a public key's point, 65 bytes, SEC1 uncompressed. PKCS#11 v2.40 mechanisms
// §2.3.3 wants a DER OCTET STRING around it; some modules leave that out.
func (e *exam) point(public pkcs11.ObjectHandle) ([]byte, error) {
	value, err := e.attribute(public, pkcs11.CKA_EC_POINT)
	if err != nil || len(value) == 65 {
		return value, err
	}
	var point []byte
	if rest, err := asn1.Unmarshal(value, &point); err != nil || len(rest) > 0 || len(point) != 65 {
		return nil, errPoint
	}
	return point, nil
}
