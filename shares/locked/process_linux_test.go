package locked

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHiddenProcessIsNotDumpable(t *testing.T) {
	freeSpare()
	defer freeSpare()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &before); err != nil {
		t.Fatal(err)
	}
	if err := HideProcess(); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	defer unix.Setrlimit(unix.RLIMIT_CORE, &before)
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 0 {
		t.Errorf("dumpable: %d, %v", dumpable, err)
	}
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil || core.Cur != 0 {
		t.Errorf("core files of %d bytes, %v", core.Cur, err)
	}
	if len(spare) != maxSpare {
		t.Errorf("%d pages are reserved", len(spare))
	}
}

// Root is not bound by the limit: the thread, which ends with the test, gives that
// capability up.
func TestTooLowALimitIsToldWithItsRemedy(t *testing.T) {
	freeSpare()
	defer freeSpare()
	runtime.LockOSThread()
	dropCapability(t, unix.CAP_IPC_LOCK)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &before); err != nil {
		t.Fatal(err)
	}
	low := unix.Rlimit{Cur: 8 << 10, Max: before.Max}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &low); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_MEMLOCK, &before)
	err := reserve()
	if !errors.Is(err, ErrMemory) {
		t.Fatalf("reserved all with a limit of 8 KiB: %v", err)
	}
	for _, remedy := range []string{"ulimit -l", "LimitMEMLOCK=", "--ulimit memlock"} {
		if !strings.Contains(err.Error(), remedy) {
			t.Errorf("nothing about %s in: %v", remedy, err)
		}
	}
}

func dropCapability(t *testing.T, capability uint) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[capability/32].Effective &^= 1 << (capability % 32)
	if err := unix.Capset(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
}
