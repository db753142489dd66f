//go:build cgo

package fitness

import (
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// leftovers removes what examinations that were killed have left. What may be another one's
// that is at work stays.
func (e *exam) leftovers() {
	e.check("leftovers", nil, func() finding {
		all, err := e.labelled()
		if err != nil {
			return refused(err, "looking for what other examinations made", remedyLeftovers).orWarn()
		}
		removed, others := 0, 0
		for _, object := range all {
			left, err := e.removeIfLeft(object)
			switch {
			case answer(err) == pkcs11.CKR_OBJECT_HANDLE_INVALID: // its own examination was faster
			case err != nil:
				return refused(err, "removing what an examination left", remedyLeftovers).orWarn()
			case left:
				removed++
			default:
				others++
			}
		}
		return toldLeftovers(removed, others)
	})
}

const remedyLeftovers = "none needed while another examination is at work; what a killed one left is removed by one that begins more than a day later, " +
	"or with the token maker's tools: they are keys for trying things out, labelled \"" + label + "\""

func toldLeftovers(removed, others int) finding {
	switch {
	case others > 0:
		return wrong(remedyLeftovers, "%d objects of other examinations, at work or killed, are on the token; %d that were left behind were removed", others, removed).orWarn()
	case removed > 0:
		return passed("%d objects of examinations that were killed were removed", removed)
	}
	return passed("no other examination's objects are on the token")
}

// labelled lists what all examinations have made.
func (e *exam) labelled() (all []pkcs11.ObjectHandle, err error) {
	if err := e.FindObjectsInit(e.session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)}); err != nil {
		return nil, err
	}
	for {
		found, _, err := e.FindObjects(e.session, 64)
		if err != nil || len(found) == 0 {
			return all, errors.Join(err, e.FindObjectsFinal(e.session))
		}
		all = append(all, found...)
	}
}

// removeIfLeft reports whether the object was left behind and is gone.
func (e *exam) removeIfLeft(object pkcs11.ObjectHandle) (bool, error) {
	id, err := e.attribute(object, pkcs11.CKA_ID)
	if err != nil {
		return false, fmt.Errorf("reading CKA_ID: %w", err)
	}
	if !mark(id).leftBehind(e.Now()) {
		return false, nil
	}
	return true, e.DestroyObject(e.session, object)
}
