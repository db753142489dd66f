//go:build cgo

package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"keyferry/test/memscan"
)

// build is a way to build the program.
type build struct {
	experiment string // GOEXPERIMENT
	tags       string
}

var (
	erasing = build{experiment: "runtimesecret"}
	plain   = build{}
	leaving = build{tags: "keyferry_nowipe"}
)

func (b build) binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyferry")
	command := exec.Command("go", "build", "-tags", b.tags, "-o", path, "..")
	command.Env = append(os.Environ(), "GOEXPERIMENT="+b.experiment)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building with %+v: %v\n%s", b, err, output)
	}
	return path
}

// rest is when nothing of the last request runs any more and the collection that
// follows a burst is over: five times what it takes on a busy machine.
const rest = time.Second

// scan runs traffic through a server process and then searches its memory.
func scan(t *testing.T, path string, exports, imports, atATime int) (found []memscan.Found, secrets int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("searching another process's memory needs root: run this test as root")
	}
	s := startProgram(t, path, t.TempDir())
	w := &traffic{client: s.client(t), scanner: memscan.New()}
	w.run(t, exports, imports, atATime)
	time.Sleep(rest)
	found, searched, err := w.scanner.Process(s.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	s.stop(t)
	t.Logf("%d exports and %d imports, %d at a time: looked for %d secrets in %d MiB: %d found",
		exports, imports, atATime, w.scanner.Secrets(), searched>>20, len(found))
	if searched < 8<<20 {
		t.Errorf("only %d bytes were searched", searched)
	}
	return found, w.scanner.Secrets()
}

// scanned is how many exports and imports go before a search.
func scanned() (exports, imports int) {
	if os.Getenv("KEYFERRY_TORTURE") != "" {
		return 400, 100
	}
	return 30, 10
}

func TestNoSecretStaysInTheServersMemory(t *testing.T) {
	path := erasing.binary(t)
	exports, imports := scanned()
	for _, atATime := range []int{1, 8} {
		t.Run(fmt.Sprintf("%d at a time", atATime), func(t *testing.T) {
			found, secrets := scan(t, path, exports, imports, atATime)
			for _, f := range found {
				t.Errorf("%+v", f)
			}
			// Each export: a transport key; per signer a share, a point, an AES key.
			if least := exports*(1+5*3) + imports*(1+5*3); secrets < least {
				t.Errorf("looked for %d secrets, not for %d", secrets, least)
			}
		})
	}
}

// The build without the experiment wipes shares and shared points too, but has no way to
// erase what Go's own code leaves on its stacks and in its AES state: keys of single
// envelopes, and now and then the text of an imported share, may stay until that memory
// is used again. No exported share does, no transport key and no shared point.
func TestPlainBuildLeavesNoExportedShare(t *testing.T) {
	path := plain.binary(t)
	exports, imports := scanned()
	found, _ := scan(t, path, exports, imports, 8)
	for _, f := range found {
		if !strings.HasPrefix(f.Secret, "AES key") && f.Secret != "imported share" {
			t.Errorf("%+v", f)
		}
	}
}

// The positive control: where nothing is wiped, the same search finds shares, shared
// points and keys. (An export's plaintext is encrypted where it stands: the shares that
// are found are those that imports left.)
func TestScanFindsWhatIsNotWiped(t *testing.T) {
	found, _ := scan(t, leaving.binary(t), 60, 20, 8)
	kinds := map[string]bool{}
	for _, f := range found {
		kinds[f.Secret] = true
	}
	for _, kind := range []string{"imported share", "shared point of an export", "AES key of an import"} {
		if !kinds[kind] {
			t.Errorf("no %s was found in %v", kind, kinds)
		}
	}
}

// The memory of an undumpable process belongs to root, whoever runs it (proc(5)): no
// debugger of the same user reads it.
func TestServerIsHiddenFromItsOwnUser(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	path := filepath.Join(dir, "keyferry")
	built, err := os.ReadFile(plain.binary(t))
	if err != nil {
		t.Fatal(err)
	}
	launcher := fmt.Sprintf("#!/bin/sh\nexec setpriv --reuid=%d --regid=%d --clear-groups %s \"$@\"\n", nobody, nobody, path)
	state := filepath.Join(dir, "state")
	for _, err := range []error{
		os.WriteFile(path, built, 0o755), os.WriteFile(path+".sh", []byte(launcher), 0o755),
		os.Mkdir(state, 0o700), os.Chown(state, nobody, nobody), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := startProgram(t, path+".sh", state)
	proc := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	var memory unix.Stat_t
	if err := unix.Stat(proc+"mem", &memory); err != nil || memory.Uid != 0 {
		t.Errorf("the process's memory belongs to user %d, %v", memory.Uid, err)
	}
	limits := string(readFile(t, proc+"limits"))
	_, core, found := strings.Cut(limits, "Max core file size")
	if !found || !strings.HasPrefix(strings.TrimSpace(core), "0 ") {
		t.Errorf("core files are allowed:\n%s", limits)
	}
	s.stop(t)
}

// The server refuses to start, and says why, where it could not lock what it needs.
func TestServerTellsATooLowLimitForLockedMemory(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Root is not bound by the limit, unless the capability is taken away.
	output, err := exec.CommandContext(ctx, "prlimit", "--memlock=65536", "setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock",
		path, "dev", "--dir", t.TempDir(), "--listen", "127.0.0.1:0").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	for _, word := range []string{"limit for locked memory is too low", "ulimit -l", "LimitMEMLOCK="} {
		if !strings.Contains(string(output), word) {
			t.Errorf("nothing about %q in: %s", word, output)
		}
	}
}
