//go:build linux

package test

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// linePipe keeps apart what is written by different calls (O_DIRECT, pipe(2)), and has room for
// one. A process that prints its lines into it waits with each until the one before was read,
// and so can be held where it stands.
func linePipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_DIRECT|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	read, write = os.NewFile(uintptr(ends[0]), "lines"), os.NewFile(uintptr(ends[1]), "lines")
	t.Cleanup(func() { read.Close() })
	if _, err := unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		t.Fatal(err)
	}
	return read, write
}

// readLines lets the process go on until it has said something.
func readLines(t *testing.T, lines *os.File, said string) {
	t.Helper()
	line := make([]byte, os.Getpagesize())
	for {
		n, err := lines.Read(line)
		if err != nil {
			t.Fatalf("the process ended before it said %q: %v", said, err)
		}
		if strings.Contains(string(line[:n]), said) {
			return
		}
	}
}

// readToTheEnd lets the process go on until it has closed its end.
func readToTheEnd(lines *os.File) {
	line := make([]byte, os.Getpagesize())
	for {
		if _, err := lines.Read(line); err != nil {
			return
		}
	}
}
