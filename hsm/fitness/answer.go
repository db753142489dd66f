//go:build cgo

package fitness

import (
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// answer is the PKCS#11 return value inside an error, or CKR_OK where there is none.
func answer(err error) pkcs11.Error {
	var rv pkcs11.Error
	errors.As(err, &rv)
	return rv
}

// lost reports whether the way to the token is gone, which says nothing about the token.
func lost(err error) bool {
	switch answer(err) {
	case pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_DEVICE_REMOVED:
		return true
	}
	return false
}

// mayPass reports whether it is trouble that may be over in a moment. Some tokens answer the
// same to what they do not have.
func mayPass(err error) bool {
	switch answer(err) {
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_HOST_MEMORY, pkcs11.CKR_DEVICE_MEMORY,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_FUNCTION_CANCELED:
		return true
	}
	return false
}

// missing reports whether the token says that it does not have the mechanism or curve.
func missing(err error) bool {
	switch answer(err) {
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_FUNCTION_NOT_SUPPORTED, pkcs11.CKR_CURVE_NOT_SUPPORTED,
		pkcs11.CKR_DOMAIN_PARAMS_INVALID:
		return true
	}
	return false
}

// forbidden reports whether an answer is a refusal because of what a key is for. Other
// errors show nothing of the kind.
func forbidden(err error) bool {
	switch answer(err) {
	case pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_ACTION_PROHIBITED,
		pkcs11.CKR_KEY_UNEXTRACTABLE, pkcs11.CKR_KEY_NOT_WRAPPABLE, pkcs11.CKR_ATTRIBUTE_SENSITIVE,
		pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_TEMPLATE_INCONSISTENT, pkcs11.CKR_TEMPLATE_INCOMPLETE,
		pkcs11.CKR_ATTRIBUTE_VALUE_INVALID, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID:
		return true
	}
	return missing(err)
}

// finding is what one check found.
type finding struct {
	outcome        Outcome
	detail, remedy string
	err            error // that the token answered with, if it did
}

func passed(format string, args ...any) finding {
	return finding{outcome: Passed, detail: fmt.Sprintf(format, args...)}
}

func untried(format string, args ...any) finding {
	return finding{outcome: Untried, detail: fmt.Sprintf(format, args...)}
}

// wrong is a check that failed with what the token did, though it reported success.
func wrong(remedy, format string, args ...any) finding {
	return finding{outcome: Failed, detail: fmt.Sprintf(format, args...), remedy: remedy}
}

// refused is a check that failed because the token would not do something.
func refused(err error, doing, remedy string) finding {
	f := finding{outcome: Failed, detail: fmt.Sprintf("%s: %v", doing, err), remedy: remedy, err: err}
	if missing(err) {
		f.detail = fmt.Sprintf("%s: the token does not offer this (%v)", doing, err)
	}
	return f
}

// orWarn makes a warning of what would be a failure.
func (f finding) orWarn() finding {
	if f.outcome == Failed {
		f.outcome = Warning
	}
	return f
}
