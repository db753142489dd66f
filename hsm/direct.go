//go:build cgo

package hsm

/*
#cgo CFLAGS: -Wall -Wextra
#cgo keyferry_nowipe CFLAGS: -DKEYFERRY_NOWIPE
#cgo linux LDFLAGS: -ldl

// A library keeps nothing that a call is given, and nothing here lets C call Go. So what
// C writes lengths to may be on the stack of the calling goroutine, which does not move
// before the call returns.
#cgo noescape kf_seal
#cgo noescape kf_open
#cgo nocallback kf_seal
#cgo nocallback kf_open

#include <stdlib.h>
#include "direct.h"
#include "../shares/locked/wipe.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// Sizes of what crosses the C boundary, in bytes.
const (
	ivLength     = C.KF_IV
	tagLength    = C.KF_TAG
	pointLength  = C.KF_POINT
	digestLength = C.KF_DIGEST
	labelLength  = C.KF_LABEL
)

// Wipes reports whether calls that carry secrets clear the vector registers and the
// stack before they return. It is false only in builds with the tag keyferry_nowipe.
func Wipes() bool { return C.KF_WIPES == 1 }

// direct calls the loaded library without a copy between caller and library. Its
// errors are pkcs11.Error, as those of miekg/pkcs11.
type direct struct {
	library unsafe.Pointer
	list    *C.CK_FUNCTION_LIST

	sealing, opening reach
}

func loadDirect(path string) (*direct, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	d := new(direct)
	if err := result(C.kf_load(name, &d.library, &d.list)); err != nil {
		return nil, fmt.Errorf("loading %s (is it a PKCS#11 library for this machine?): %w", path, err)
	}
	return d, nil
}

func (d *direct) unload() { C.kf_unload(d.library) }

func (d *direct) initialise(parameters string) error {
	text := C.CString(parameters)
	defer C.free(unsafe.Pointer(text))
	return result(C.kf_initialise(d.list, text))
}

func (d *direct) initToken(slot uint, pin []byte, label [labelLength]byte) error {
	return result(C.kf_init_token(d.list, C.CK_ULONG(slot), start(pin), size(pin), start(label[:])))
}

func (d *direct) initPIN(session pkcs11.SessionHandle, pin []byte) error {
	return result(C.kf_init_pin(d.list, C.CK_ULONG(session), start(pin), size(pin)))
}

func (d *direct) login(session pkcs11.SessionHandle, user uint, pin []byte) error {
	return result(C.kf_login(d.list, C.CK_ULONG(session), C.CK_ULONG(user), start(pin), size(pin)))
}

// seal encrypts plaintext into out, which has room for the tag, and leaves in iv the
// nonce that the token used.
func (d *direct) seal(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, plaintext, out []byte) error {
	length, stack := size(out), C.CK_ULONG(d.sealing.next())
	measured := stack == 0
	err := result(C.kf_seal(d.list, C.CK_ULONG(session), C.CK_ULONG(key),
		start(iv), start(aad), size(aad), start(plaintext), size(plaintext), start(out), &length, &stack))
	if measured {
		d.sealing.saw(uint64(stack))
	}
	if err == nil && int(length) != len(plaintext)+tagLength {
		return errImpossible
	}
	return err
}

// open decrypts ciphertext with its tag into out, which is as long as ciphertext: some
// modules ask for that much.
func (d *direct) open(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, iv, aad, ciphertext, out []byte) error {
	length, stack := size(out), C.CK_ULONG(d.opening.next())
	measured := stack == 0
	err := result(C.kf_open(d.list, C.CK_ULONG(session), C.CK_ULONG(key),
		start(iv), start(aad), size(aad), start(ciphertext), size(ciphertext), start(out), &length, &stack))
	if measured {
		d.opening.saw(uint64(stack))
	}
	if err == nil && int(length) != len(ciphertext)-tagLength {
		return errImpossible
	}
	return err
}

func (d *direct) hashSharedX(session pkcs11.SessionHandle, key pkcs11.ObjectHandle, peer, first, second, out []byte) error {
	return result(C.kf_hash_shared_x(d.list, C.CK_ULONG(session), C.CK_ULONG(key), start(peer),
		start(first), size(first), start(second), size(second), start(out)))
}

func result(rv C.CK_RV) error {
	if rv == C.CKR_OK {
		return nil
	}
	return pkcs11.Error(rv)
}

// start points at memory that C uses during the call and does not keep. Empty slices
// give nil.
func start(b []byte) *C.CK_BYTE {
	if len(b) == 0 {
		return nil
	}
	return (*C.CK_BYTE)(unsafe.Pointer(unsafe.SliceData(b)))
}

func size(b []byte) C.CK_ULONG { return C.CK_ULONG(len(b)) }
