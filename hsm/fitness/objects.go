//go:build cgo

package fitness

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/pkcs11"
)

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

// removeAll removes everything, and tries again once what fails for a reason that may pass.
func (e *exam) removeAll() error {
	err := e.removeEach()
	if mayPass(err) {
		time.Sleep(moment)
		err = e.removeEach()
	}
	e.made = nil
	return err
}

// removeEach remembers what could not be removed. What went with its session is gone already.
func (e *exam) removeEach() error {
	var errs []error
	var left []pkcs11.ObjectHandle
	for _, object := range e.made {
		err := e.DestroyObject(e.session, object)
		if err != nil && answer(err) != pkcs11.CKR_OBJECT_HANDLE_INVALID {
			left = append(left, object)
			errs = append(errs, fmt.Errorf("removing an object labelled %q: %w", label, err))
		}
	}
	e.made = left
	return errors.Join(errs...)
}

// attribute reads one attribute.
func (e *exam) attribute(object pkcs11.ObjectHandle, kind uint) ([]byte, error) {
	values, err := e.GetAttributeValue(e.session, object, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return values[0].Value, nil
}
