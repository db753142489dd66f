//go:build linux && cgo

package faultp11_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"keyferry/hsm"
)

// field reads a number of kilobytes from /proc/self/status.
func field(t testing.TB, name string) (kilobytes int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(status), name+":")
	if !found {
		t.Fatalf("no %s", name)
	}
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes
}

func lockedMemory(t testing.TB) int   { return field(t, "VmLck") }
func residentMemory(t testing.TB) int { return field(t, "VmRSS") }

// heap is what the process has of the C heap now.
func (b *bench) heap(t testing.TB) int {
	t.Helper()
	if _, err := b.raw.GetInfo(); err != nil {
		t.Fatal(err)
	}
	return stats(t).Heap
}

// Calls of our own binding keep no C memory, however they end: failures take no more of
// it than successes, of which SoftHSM keeps something for each derived key. (miekg/pkcs11
// loses a few bytes each time that C_FindObjects or C_Sign fails, which is not for us to
// mend.)
func TestFailingCallsOfOurBindingKeepNoCMemory(t *testing.T) {
	b := newBench(t, nil)
	for _, scenario := range []string{"open", "seal", "hash"} {
		do := b.uses()[scenario].do
		plan(t)
		successes := b.growth(t, do, nil)
		for _, f := range of(t, scenario, true) {
			plan(t, f.name+" return=0x68")
			if failures := b.growth(t, do, hsm.ErrRefused); failures > successes+8<<10 {
				t.Errorf("%s: %d bytes of C heap for failures, %d for successes", f.name, failures, successes)
			}
		}
	}
}

// growth is that of the C heap over 200 operations that end with want.
func (b *bench) growth(t *testing.T, do func() error, want error) int {
	t.Helper()
	repeat := func(times int) {
		for range times {
			if err := do(); !errors.Is(err, want) {
				t.Fatalf("%v instead of %v", err, want)
			}
		}
	}
	repeat(20)
	before := b.heap(t)
	repeat(200)
	return b.heap(t) - before
}
