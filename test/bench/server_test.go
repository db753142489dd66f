//go:build linux && cgo

package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyferry/server/client"
)

// server is a running `keyferry dev`, which is the server as it is but for where its
// settings come from.
type server struct {
	env   map[string]string // of client.env
	pid   string
	syncs string // a file with how many syncs it has made
}

// startServer builds the program, starts it and waits until it serves.
func startServer(b *testing.B) *server {
	b.Helper()
	dir := b.TempDir()
	s := &server{syncs: filepath.Join(dir, "syncs")}
	must(b, os.WriteFile(s.syncs, make([]byte, 8), 0o600))
	counter := filepath.Join(dir, "syncs.so")
	run(b, "cc", "-O2", "-shared", "-fPIC", "-o", counter, "testdata/syncs.c")
	binary := filepath.Join(dir, "keyferry")
	run(b, "go", "build", "-o", binary, "../..")

	state, output := filepath.Join(dir, "state"), &bytes.Buffer{}
	cmd := exec.Command(binary, "dev", "--dir", state, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+counter, "SYNCS_FILE="+s.syncs)
	cmd.Stdout, cmd.Stderr = output, output
	must(b, cmd.Start())
	b.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if b.Failed() {
			b.Logf("the server said:\n%s", output)
		}
	})
	s.pid = strconv.Itoa(cmd.Process.Pid)
	s.awaitEnv(b, filepath.Join(state, "client.env"))
	return s
}

// awaitEnv waits for client.env, which is there once the server serves, and has a shell
// read it.
func (s *server) awaitEnv(b *testing.B, path string) {
	b.Helper()
	for range 600 {
		if _, err := os.Stat(path); err == nil {
			s.env = map[string]string{}
			for line := range strings.SplitSeq(run(b, "sh", "-c", `set -aeu; . "$1"; env -0`, "sh", path), "\x00") {
				name, value, _ := strings.Cut(line, "=")
				s.env[name] = value
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatal("the server does not serve")
}

// client returns a client with a connection of its own.
func (s *server) client(b *testing.B) *client.Client {
	b.Helper()
	credential, err := client.ParseCredential(s.env["DFNS_CRED_ID"], []byte(s.env["DFNS_PRIVATE_KEY"]))
	must(b, err)
	c, err := client.New(client.Config{URL: s.env["DFNS_API_URL"], Token: s.env["DFNS_AUTH_TOKEN"], Credential: credential})
	must(b, err)
	b.Cleanup(c.Close)
	return c
}

// ticksPerSecond is the unit of times in /proc, on every Linux that Go runs on.
const ticksPerSecond = 100

// cpu is the processor time that the server has used so far, its threads' and the
// kernel's on its behalf (proc(5), /proc/pid/stat, utime and stime).
func (s *server) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", s.pid, "stat"))
	must(b, err)
	// The second field, the program's name, is in parentheses and may have spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		must(b, err)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// commits is how often the server has waited for its disk so far: once a commit, and
// now and then to move its write-ahead logs into the databases.
func (s *server) commits(b *testing.B) uint64 {
	b.Helper()
	count, err := os.ReadFile(s.syncs)
	must(b, err)
	return binary.NativeEndian.Uint64(count)
}

// run runs a command and returns what it says.
func run(b *testing.B, name string, args ...string) string {
	b.Helper()
	var said bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &said
	output, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s: %v\n%s", name, err, said.Bytes())
	}
	return string(output)
}

func random(n int) []byte {
	buffer := make([]byte, n)
	rand.Read(buffer)
	return buffer
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
