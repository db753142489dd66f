//go:build cgo

package envelope

/*
#cgo CFLAGS: -Wall -Wextra
#cgo keyferry_nowipe CFLAGS: -DKEYFERRY_NOWIPE
#cgo linux LDFLAGS: -l:libsecp256k1.a
#cgo !linux LDFLAGS: -lsecp256k1
#cgo noescape kf_public
#cgo noescape kf_share
#cgo noescape kf_ephemeral
#cgo nocallback kf_public
#cgo nocallback kf_share
#cgo nocallback kf_ephemeral
#include "agreement.h"
*/
import "C"

import (
	"crypto/rand"
	"sync"
	"unsafe"
)

// secp256k1Agreement is libsecp256k1, constant-time throughout and several times
// faster than dcrd. Any version from 0.2.0 does; built by GCC 13 or later, or by
// Clang 14 or later, it must be 0.3.2 or newer, which keeps those compilers from
// undoing the constant time.
//
// It is linked statically on Linux. A PKCS#11 module in the same process may bring a
// libsecp256k1 of its own: neither sees the other's symbols this way. And the shared
// library's name differs between releases of one distribution; without it, the
// program asks nothing of the machine that it runs on.
type secp256k1Agreement struct{ context *C.secp256k1_context }

// chosenAgreement is what Seal and Open use. Its one context serves the process.
var chosenAgreement = sync.OnceValue(func() agreement { return newSecp256k1Agreement() })

func newSecp256k1Agreement() secp256k1Agreement {
	// The seed is no secret beyond the context, in which it stays in another form.
	var seed [32]byte
	rand.Read(seed[:])
	defer clear(seed[:])
	context := C.kf_new_context(bytesAt(&seed))
	if context == nil {
		panic("envelope: libsecp256k1 gives no context")
	}
	return secp256k1Agreement{context}
}

func (a secp256k1Agreement) public(scalar *[scalarSize]byte, key *[pointSize]byte) error {
	return agreed(C.kf_public(a.context, bytesAt(scalar), bytesAt(key)))
}

func (a secp256k1Agreement) ephemeral(scalar *[scalarSize]byte, peer, key, shared *[pointSize]byte) error {
	return agreed(C.kf_ephemeral(a.context, bytesAt(scalar), bytesAt(peer), bytesAt(key), bytesAt(shared)))
}

func (a secp256k1Agreement) share(scalar *[scalarSize]byte, peer, shared *[pointSize]byte) error {
	return agreed(C.kf_share(a.context, bytesAt(scalar), bytesAt(peer), bytesAt(shared)))
}

func agreed(result C.int) error {
	switch result {
	case C.KF_AGREED:
		return nil
	case C.KF_BAD_PEER:
		return errPeer
	default:
		return errScalar
	}
}

// bytesAt points at an array that C uses during the call and does not keep.
func bytesAt[T [scalarSize]byte | [pointSize]byte](array *T) *C.uchar {
	return (*C.uchar)(unsafe.Pointer(array))
}
