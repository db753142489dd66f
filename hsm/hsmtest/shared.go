//go:build cgo

package hsmtest

import (
	"errors"
	"os"
	"sync"
	"testing"

	"keyferry/hsm"
)

// shared is the module that this process's tests use together, and the directory under
// it. It exists while a test uses it. The library is process-wide whatever we do; this
// variable only says so.
var shared struct {
	sync.Mutex
	users  int
	module *hsm.Module
	undo   func() error
}

// Module returns the module that the tests of this process share. The last test to end
// closes it and removes its tokens.
func Module(t testing.TB) *hsm.Module {
	t.Helper()
	path := Path(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		if err := openShared(path); err != nil {
			t.Fatalf("opening SoftHSM: %v", err)
		}
	}
	shared.users++
	t.Cleanup(func() {
		if err := leaveShared(); err != nil {
			t.Errorf("closing SoftHSM: %v", err)
		}
	})
	return shared.module
}

// Directory makes SoftHSM keep its tokens in a fresh directory for the rest of the test,
// for programs under test that open the library at the returned path themselves. It may
// not be mixed with the other functions of this package in one test, nor used in
// parallel tests.
func Directory(t testing.TB) (path string) {
	t.Helper()
	path = Path(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.users > 0 {
		t.Fatal("the library is in use by tests that share it")
	}
	t.Setenv("SOFTHSM2_CONF", "") // restores it, and refuses in parallel tests
	if err := hsm.PrepareSoftHSM(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return path
}

// openShared is called with the lock held.
func openShared(path string) error {
	dir, err := os.MkdirTemp("", "keyferry-softhsm-")
	if err != nil {
		return err
	}
	before, was := os.LookupEnv("SOFTHSM2_CONF")
	shared.undo = func() error {
		if was {
			os.Setenv("SOFTHSM2_CONF", before)
		} else {
			os.Unsetenv("SOFTHSM2_CONF")
		}
		return os.RemoveAll(dir)
	}
	if err = hsm.PrepareSoftHSM(dir); err == nil {
		shared.module, err = hsm.Open(path)
	}
	if err != nil {
		return errors.Join(err, shared.undo())
	}
	return nil
}

func leaveShared() error {
	shared.Lock()
	defer shared.Unlock()
	shared.users--
	if shared.users > 0 {
		return nil
	}
	if err := shared.module.Close(); err != nil {
		return err
	}
	shared.module = nil
	return shared.undo()
}
