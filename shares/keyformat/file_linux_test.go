package keyformat

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"keyferry/shares/locked/lockedtest"
)

// A limit on file sizes stands for a full disk: the write stops in the middle.
func TestWriteFileLeavesNothingHalfWritten(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 16, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	err := WriteFile(path, lockedtest.Bytes(t, bytes.Repeat([]byte("s"), 64)))
	if restored := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("writing beyond the limit: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part of the file is left: %v", err)
	}
}
