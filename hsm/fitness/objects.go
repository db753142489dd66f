//go:build cgo

package fitness

import (
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/pkcs11"
)

// label is that of every object that is made here, and of nothing else on a token.
const label = "keyferry doctor"

// keep remembers an object that must be removed.
func (e *exam) keep(objects ...pkcs11.ObjectHandle) { e.made = append(e.made, objects...) }

// remove removes an object before the end of the examination.
func (e *exam) remove(object pkcs11.ObjectHandle) error {
	if err := e.DestroyObject(e.session, object); err != nil {
		return err
	}
	e.made = slices.DeleteFunc(e.made, func(h pkcs11.ObjectHandle) bool { return h == object })
	return nil
}

// removeAll removes everything. What went with its session is gone already.
func (e *exam) removeAll() error {
	var errs []error
	for _, object := range e.made {
		err := e.DestroyObject(e.session, object)
		if err != nil && answer(err) != pkcs11.CKR_OBJECT_HANDLE_INVALID {
			errs = append(errs, fmt.Errorf("removing an object labelled %q: %w", label, err))
		}
	}
	e.made = nil
	return errors.Join(errs...)
}

// removeLeftovers removes what an examination that was killed has left.
func (e *exam) removeLeftovers() {
	for e.stopped == nil {
		found, err := e.find(pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
		if err != nil {
			e.stopped = fmt.Errorf("looking for what an earlier examination left: %w", err)
		}
		if len(found) == 0 {
			return
		}
		e.keep(found...)
		e.stopped = e.removeAll()
	}
}

func (e *exam) find(template ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := e.FindObjectsInit(e.session, template); err != nil {
		return nil, err
	}
	found, _, err := e.FindObjects(e.session, 16)
	return found, errors.Join(err, e.FindObjectsFinal(e.session))
}

// attribute reads one attribute.
func (e *exam) attribute(object pkcs11.ObjectHandle, kind uint) ([]byte, error) {
	values, err := e.GetAttributeValue(e.session, object, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return values[0].Value, nil
}
