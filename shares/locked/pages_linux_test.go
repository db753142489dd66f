package locked

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

func TestPagesAreLockedAndNotDumped(t *testing.T) {
	freeSpare()
	checkFlags(t, newBuffer(t, 32, 32))
}

// checkFlags reads the kernel's own account of a buffer's mapping: locked ("lo"), not
// dumped ("dd"), not inherited ("dc").
func checkFlags(t *testing.T, b *Buffer) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	flags := flagsAt(string(smaps), uint64(uintptr(unsafe.Pointer(&b.pages[0]))))
	for _, flag := range []string{" lo ", " dd ", " dc "} {
		if !strings.Contains(flags, flag) {
			t.Errorf("the mapping's flags %q do not have %s", flags, flag)
		}
	}
}

// flagsAt returns the flags of the mapping that has the address: neighbours with the
// same flags are one mapping to the kernel.
func flagsAt(smaps string, address uint64) string {
	inside := false
	for line := range strings.Lines(smaps) {
		var start, end uint64
		if n, _ := fmt.Sscanf(line, "%x-%x ", &start, &end); n == 2 {
			inside = start <= address && address < end
		}
		if flags, found := strings.CutPrefix(line, "VmFlags:"); found && inside {
			return flags
		}
	}
	return ""
}
