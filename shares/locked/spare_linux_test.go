package locked

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

func TestNextBufferGetsTheSamePageWipedAndStillLocked(t *testing.T) {
	freeSpare()
	first := newBuffer(t, 32, 100)
	page := first.pages
	copy(first.Bytes(), "the secret of the first buffer..")
	first.Destroy()
	second := newBuffer(t, 32, os.Getpagesize())
	if unsafe.SliceData(second.pages) != unsafe.SliceData(page) {
		t.Fatal("another page, though one was spare")
	}
	if !bytes.Equal(page, make([]byte, len(page))) {
		t.Error("the first buffer's secret is in the second")
	}
	checkFlags(t, second)
}

func TestDestroyWipesBeyondTheLength(t *testing.T) {
	freeSpare()
	b := newBuffer(t, 1, 200)
	page := b.pages
	b.Resize(200)
	copy(b.Bytes(), bytes.Repeat([]byte{0xaa}, 200))
	b.data = b.data[:1]
	b.Destroy()
	if !bytes.Equal(page, make([]byte, len(page))) {
		t.Error("what lies beyond the length was not wiped")
	}
}

func TestSparePagesAreBounded(t *testing.T) {
	freeSpare()
	defer freeSpare()
	var list []*Buffer
	for range maxSpare + 10 {
		list = append(list, newBuffer(t, 1, 1))
	}
	for _, b := range list {
		b.Destroy()
	}
	if len(spare) != maxSpare {
		t.Errorf("%d pages are kept", len(spare))
	}
	if !freeSpare() || len(spare) != 0 || freeSpare() {
		t.Error("not all were given back")
	}
}

func TestLargeBuffersAreNotKept(t *testing.T) {
	freeSpare()
	b := newBuffer(t, 1, os.Getpagesize()+1)
	checkFlags(t, b)
	b.Destroy()
	if len(spare) != 0 {
		t.Errorf("%d are kept", len(spare))
	}
}

func TestForgottenBufferIsWiped(t *testing.T) {
	freeSpare()
	page := forget(t)
	for deadline := time.Now().Add(10 * time.Second); len(spare) == 0; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("the page of a buffer that nobody has is not given back")
		}
		time.Sleep(time.Millisecond)
	}
	if !bytes.Equal(page, make([]byte, len(page))) {
		t.Error("its secret is still there")
	}
}

func forget(t *testing.T) (page []byte) {
	b, err := New(6)
	if err != nil {
		t.Fatal(err)
	}
	copy(b.Bytes(), "hunter")
	return b.pages
}

func TestBuffersMadeAtOnceAreTheirOwners(t *testing.T) {
	done := make(chan error)
	for worker := range byte(8) {
		go func() { done <- useMany(worker + 1) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// useMany fills buffers with its mark and looks whether anybody else wrote to them.
func useMany(mark byte) error {
	for range 500 {
		b, err := New(64)
		if err != nil {
			return err
		}
		if !bytes.Equal(b.Bytes(), make([]byte, 64)) {
			return errNotOurs
		}
		copy(b.Bytes(), bytes.Repeat([]byte{mark}, 64))
		runtime.Gosched()
		if !bytes.Equal(b.Bytes(), bytes.Repeat([]byte{mark}, 64)) {
			return errNotOurs
		}
		b.Destroy()
	}
	return nil
}

var errNotOurs = errors.New("a buffer holds another's bytes")
