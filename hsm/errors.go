//go:build cgo

package hsm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"
)

// Errors that callers tell apart with errors.Is. The text says what an operator can do.
var (
	// ErrWrongPIN: the token refused the PIN, or would not let it be tried. It is
	// never tried again: hardware locks after a few attempts.
	ErrWrongPIN = errors.New("the PIN was refused; it is not tried again, because tokens lock: correct the PIN file and restart")

	// ErrMechanismMissing: the token cannot do what the error's text names.
	ErrMechanismMissing = errors.New("the token does not offer this mechanism")

	// ErrBlob: a sealed share was edited, truncated, or belongs to another place or
	// token. The token itself works.
	ErrBlob = errors.New("the sealed share does not belong here or was changed")

	// ErrNoImport: the token was found unable to import when its keys were made.
	ErrNoImport = errors.New("the token has no import key, since it cannot do ECDH on secp256k1: bring the share in with keyferry signer ingest")

	// ErrNoWrappingKey: the token does not have the share-wrapping key that a share is
	// sealed under. Other shares may open.
	ErrNoWrappingKey = errors.New("the token does not have this share-wrapping key: it was destroyed, or the token was brought back from a backup that is older than the key")

	// ErrPeer: a public key that is not a point of the curve.
	ErrPeer = errors.New("the public key is not a point on secp256k1")

	// ErrTokenGone: the token does not answer as it should. Neither logging in again
	// nor initialising the library again helped.
	ErrTokenGone = errors.New("the token is gone or broken: check that it is reachable and in place")

	// ErrHung: the library did not return in time. Operations that failed with it may
	// still take effect in the token. It comes with ErrTokenGone.
	ErrHung = fmt.Errorf("the PKCS#11 library does not return: %w", ErrTokenGone)

	// ErrNotAsked: the token failed shortly before and is left alone for a moment; the
	// error also is what it failed with then.
	ErrNotAsked = errors.New("the token failed before and is not asked again yet")

	// ErrRefused: the token works and will not do this; the text has its answer.
	ErrRefused = errors.New("the token refuses this")

	// ErrBusy: no session became free within the time to wait.
	ErrBusy = errors.New("all sessions of the token are in use")

	// ErrNotInitialised: the key ceremony has not been held on this token.
	ErrNotInitialised = errors.New("the token has no Keyferry keys yet: run keyferry signer init")

	// ErrKeysChanged: after logging in again, the token shows other keys than before,
	// or it holds keys that Keyferry would not have made.
	ErrKeysChanged = errors.New("the keys on the token are not the ones that Keyferry made: find out who changed them")

	// ErrInUse: this process holds the token already. A login belongs to the whole
	// process, so one token serves one signer.
	ErrInUse = errors.New("in use by this process already")

	// ErrClosed: the Token or Module was closed.
	ErrClosed = errors.New("closed")
)

// TokenNotFoundError says that there is not exactly one initialised token with a
// label, and lists the labels that there are.
type TokenNotFoundError struct {
	Label  string
	Labels []string
}

func (e *TokenNotFoundError) Error() string {
	found := 0
	for _, label := range e.Labels {
		if label == e.Label {
			found++
		}
	}
	if found > 1 {
		return fmt.Sprintf("%d tokens are labelled %q: give each a label of its own", found, e.Label)
	}
	if len(e.Labels) == 0 {
		return fmt.Sprintf("no token is labelled %q: the module has no initialised token", e.Label)
	}
	return fmt.Sprintf("no token is labelled %q: the module has %s", e.Label, strings.Join(quoted(e.Labels), ", "))
}

func quoted(labels []string) []string {
	var list []string
	for _, label := range labels {
		list = append(list, fmt.Sprintf("%q", label))
	}
	return list
}

// explain adds what was being done and, where PKCS#11's return value has one, the
// error that callers know it by.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w (%w)", doing, kind, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// kindOf is nil for what is no answer of a token. PKCS#11 v2.40 §5.1 has the values.
func kindOf(err error) error {
	switch returned(err) {
	case pkcs11.CKR_OK:
		return nil
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE,
		pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_USER_PIN_NOT_INITIALIZED:
		return ErrWrongPIN
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_FUNCTION_NOT_SUPPORTED,
		pkcs11.CKR_CURVE_NOT_SUPPORTED, pkcs11.CKR_DOMAIN_PARAMS_INVALID:
		return ErrMechanismMissing
	case pkcs11.CKR_SESSION_COUNT:
		return ErrBusy
	}
	if loginLost(err) || tokenBroken(err) {
		return ErrTokenGone
	}
	return ErrRefused
}

// mendable reports whether a new login may help, and then the operation can be done
// again: none of ours leaves something behind that would be in its own way.
func mendable(err error) bool {
	return errors.Is(err, errNoLogin) || errors.Is(err, errOldLogin) || errors.Is(err, errImpossible) ||
		loginLost(err) || tokenBroken(err)
}

// tokenBroken reports whether the token or the library, and not the request, is in
// trouble.
func tokenBroken(err error) bool {
	switch returned(err) {
	case pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_HOST_MEMORY,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_SLOT_ID_INVALID,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_CANT_LOCK, pkcs11.CKR_NEED_TO_CREATE_THREADS,
		pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_BUFFER_TOO_SMALL:
		return true
	}
	return false
}

// loginLost reports whether a session, the login or a handle has died or been spoiled,
// which a new login mends.
func loginLost(err error) bool {
	switch returned(err) {
	case pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
		pkcs11.CKR_OPERATION_ACTIVE, pkcs11.CKR_OPERATION_NOT_INITIALIZED, pkcs11.CKR_FUNCTION_CANCELED:
		return true
	}
	return sessionDead(err)
}

// keyVanished reports whether a key was destroyed after its handle was found.
func keyVanished(err error) bool {
	switch returned(err) {
	case pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID:
		return true
	}
	return false
}

func sessionDead(err error) bool {
	switch returned(err) {
	case pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED:
		return true
	}
	return false
}

// errImpossible is an answer that says success and cannot be right.
var errImpossible = fmt.Errorf("the token gave an impossible answer: %w", ErrTokenGone)

// ckrAEADDecryptFailed is PKCS#11 v3's own value for a bad tag.
const ckrAEADDecryptFailed = 0x35

// badTag reports whether the token says clearly that a ciphertext is not authentic.
func badTag(err error) bool {
	switch returned(err) {
	case ckrAEADDecryptFailed, pkcs11.CKR_ENCRYPTED_DATA_INVALID, pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE:
		return true
	}
	return false
}

// maybeBadTag reports whether the token says something that may mean a bad tag and may
// mean that the token is broken. SoftHSM answers CKR_GENERAL_ERROR to both.
func maybeBadTag(err error) bool {
	switch returned(err) {
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_DATA_INVALID,
		pkcs11.CKR_DATA_LEN_RANGE, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_ARGUMENTS_BAD:
		return true
	}
	return false
}

// returned is the PKCS#11 return value inside an error, or CKR_OK where there is none.
func returned(err error) pkcs11.Error {
	var rv pkcs11.Error
	errors.As(err, &rv)
	return rv
}
