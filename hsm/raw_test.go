//go:build cgo

package hsm_test

import (
	"bytes"
	"testing"

	"github.com/miekg/pkcs11"

	"keyferry/hsm/hsmtest"
	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
)

// raw is somebody else in the same process who uses the library that the token under
// test has initialised, as an attacker or a vendor's tool could.
type raw struct {
	*pkcs11.Ctx
	slot uint
}

func rawAccess(t testing.TB, label string) raw {
	t.Helper()
	ctx := pkcs11.New(hsmtest.Path(t))
	if ctx == nil {
		t.Fatal("the library does not load")
	}
	t.Cleanup(ctx.Destroy)
	slots, err := ctx.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range slots {
		if info, err := ctx.GetTokenInfo(slot); err == nil && info.Label == label {
			return raw{ctx, slot}
		}
	}
	t.Fatalf("no token %q", label)
	return raw{}
}

func (r raw) session(t testing.TB) pkcs11.SessionHandle {
	t.Helper()
	session, err := r.OpenSession(r.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// openSessions counts the slot's sessions. SoftHSM does not report their number, but it
// numbers handles one after the other, so the next one bounds those there are.
func (r raw) openSessions(t testing.TB) int {
	t.Helper()
	next := r.session(t)
	if err := r.CloseSession(next); err != nil {
		t.Fatal(err)
	}
	count := 0
	for handle := range next {
		if info, err := r.GetSessionInfo(handle); err == nil && info.SlotID == r.slot {
			count++
		}
	}
	return count
}

// find gives the objects of a class with a label.
func (r raw) find(t testing.TB, session pkcs11.SessionHandle, class uint, label string) []pkcs11.ObjectHandle {
	t.Helper()
	err := r.FindObjectsInit(session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.FindObjectsFinal(session)
	found, _, err := r.FindObjects(session, 10)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (r raw) findOne(t testing.TB, session pkcs11.SessionHandle, class uint, label string) pkcs11.ObjectHandle {
	t.Helper()
	found := r.find(t, session, class, label)
	if len(found) != 1 {
		t.Fatalf("%d objects are labelled %q", len(found), label)
	}
	return found[0]
}

func secret(t testing.TB, text string) *locked.Buffer {
	t.Helper()
	return lockedtest.Bytes(t, []byte(text))
}

func mustEqual(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %x, want %x", what, got, want)
	}
}
