//go:build linux && cgo

package test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"keyferry/shares"
	"keyferry/test/memscan"
)

// A rotation opens every share twice in a process of its own, and once more before the former
// key is destroyed. Whenever it is looked at there is the one share in hand and nothing else of
// any, and nothing at all after the last one.
func TestAProcessThatRotatesHasOneShareInHandAndKeepsNone(t *testing.T) {
	path := erasing.binary(t)
	scanner, settings := sharesAtRest(t, path)
	r := startRotating(t, path, settings)
	readLines(t, r.lines, "signer "+lastSigner)
	readLines(t, r.lines, "made")
	var images []memscan.Image
	for range moments {
		images = append(images, r.copyStopped(t))
	}
	seen := 0
	for _, image := range images {
		if found := scanner.Image(image); len(found) > 0 {
			seen++
			for _, f := range found {
				if f.Secret != found[0].Secret || !strings.HasPrefix(f.Secret, "imported share") {
					t.Errorf("beside %+v: %+v", found[0], f)
				}
			}
		}
	}
	t.Logf("a share was in hand in %d of %d moments", seen, moments)
	r.mustBeClean(t, scanner, "all shares are under share-wrapping key v2")
	r.finish(t)

	r = startRotating(t, path, settings, "--destroy-old")
	readLines(t, r.lines, "signer "+lastSigner)
	r.mustBeClean(t, scanner, "all shares are under share-wrapping key v2")
	r.finish(t)
}

// The positive control: where nothing is wiped, the same search finds the shares that the
// process has had in hand.
func TestScanFindsWhatARotationDoesNotWipe(t *testing.T) {
	path := leaving.binary(t)
	scanner, settings := sharesAtRest(t, path)
	r := startRotating(t, path, settings)
	readLines(t, r.lines, "signer "+lastSigner)
	readLines(t, r.lines, "made")
	different := map[string]bool{}
	for _, f := range r.scanAtRest(t, scanner) {
		different[f.Secret] = true
	}
	t.Logf("found %d different shares", len(different))
	if len(different) < 2 {
		t.Errorf("found only %v", different)
	}
	r.finish(t)
}

// moments is how often a process is stopped and searched while it works.
const moments = 8

// lastSigner is the label of the token whose turn comes last.
const lastSigner = "keyferry-signer-5"

// sharesAtRest imports keys of every scheme through a server, and ends it: whatever is found
// later comes from another process. Each share has a name of its own.
func sharesAtRest(t *testing.T, path string) (scanner *memscan.Scanner, settings string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("searching another process's memory needs root: run this test as root")
	}
	dir := t.TempDir()
	before := startProgram(t, path, dir)
	w := &traffic{client: before.client(t), scanner: memscan.New(), apart: true}
	for _, scheme := range shares.Schemes() {
		err := times(15, 4, func(ctx context.Context) error {
			_, err := w.imports(ctx, scheme)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before.stop(t)
	return w.scanner, filepath.Join(dir, "state", "keyferry.yaml")
}

// rotating is a process that rotates. Each of its lines waits until the one before was read,
// so that it can be held where it stands.
type rotating struct {
	cmd   *exec.Cmd
	lines *os.File
}

func startRotating(t *testing.T, path, settings string, flags ...string) *rotating {
	t.Helper()
	read, write := linePipe(t)
	cmd := exec.Command(path, append([]string{"signer", "rotate", "--config", settings}, flags...)...)
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+filepath.Join(filepath.Dir(settings), "softhsm", "softhsm2.conf"))
	cmd.Stdout, cmd.Stderr = write, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	return &rotating{cmd, read}
}

// copyStopped lets the process work for a moment, and copies what it has in its memory while
// it stands still. A search takes longer: its calls would be overdue by then.
func (r *rotating) copyStopped(t *testing.T) memscan.Image {
	t.Helper()
	time.Sleep(rand.N(5 * time.Millisecond))
	r.signal(t, unix.SIGSTOP)
	var status unix.WaitStatus
	if _, err := unix.Wait4(r.cmd.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the process did not stop: %v, %v", status, err)
	}
	image, err := memscan.Copy(r.cmd.Process.Pid)
	r.signal(t, unix.SIGCONT)
	if err != nil {
		t.Fatal(err)
	}
	mustBeAll(t, image.Bytes)
	return image
}

// mustBeAll fails if this is less than a process of ours has.
func mustBeAll(t *testing.T, searched int64) {
	t.Helper()
	if searched < 8<<20 {
		t.Errorf("only %d bytes were searched", searched)
	}
}

func (r *rotating) signal(t *testing.T, signal unix.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// scanAtRest searches the process when it has written its next line and waits with the one
// after it.
func (r *rotating) scanAtRest(t *testing.T, scanner *memscan.Scanner) []memscan.Found {
	t.Helper()
	for deadline := time.Now().Add(patience); r.waiting(t) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the process says nothing more")
		}
	}
	time.Sleep(rest)
	return r.scan(t, scanner)
}

// waiting is how many bytes wait to be read.
func (r *rotating) waiting(t *testing.T) int {
	t.Helper()
	const bytesWaiting = unix.TIOCINQ // FIONREAD, ioctl_tty(2)
	n, err := unix.IoctlGetInt(int(r.lines.Fd()), bytesWaiting)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (r *rotating) scan(t *testing.T, scanner *memscan.Scanner) []memscan.Found {
	t.Helper()
	found, searched, err := scanner.Process(r.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	mustBeAll(t, searched)
	return found
}

// mustBeClean finds nothing once the process is about to say that it is done with a signer.
func (r *rotating) mustBeClean(t *testing.T, scanner *memscan.Scanner, said string) {
	t.Helper()
	for _, f := range r.scanAtRest(t, scanner) {
		t.Errorf("%+v", f)
	}
	readLines(t, r.lines, said)
	t.Logf("looked for %d secrets", scanner.Secrets())
}

func (r *rotating) finish(t *testing.T) {
	t.Helper()
	readToTheEnd(r.lines)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("rotating: %v", err)
	}
}
