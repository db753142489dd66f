//go:build cgo

package test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"keyferry/server/client"
)

// binary builds the program once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keyferry-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "keyferry")
	output, err := exec.Command("go", "build", "-o", path, "..").CombinedOutput()
	if err != nil {
		return "", errors.New(string(output))
	}
	return path, nil
})

// devServer is a running `keyferry dev`, a process of its own.
type devServer struct {
	dir    string
	env    map[string]string // of client.env
	output *bytes.Buffer     // stdout and stderr; to be read when the process has ended
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error // of Wait; set when ended is closed
}

const patience = 60 * time.Second

// startDev starts `keyferry dev` on dir and waits until it serves.
func startDev(t *testing.T, dir string, flags ...string) *devServer {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	return startProgram(t, path, dir, flags...)
}

// startProgram does so with any build of the program.
func startProgram(t *testing.T, path, dir string, flags ...string) *devServer {
	t.Helper()
	s := &devServer{dir: dir, output: &bytes.Buffer{}, ended: make(chan struct{})}
	s.cmd = exec.Command(path, append([]string{"dev", "--dir", dir, "--listen", "127.0.0.1:0"}, flags...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := os.RemoveAll(filepath.Join(dir, "client.env")); err != nil { // what a killed run left
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(s.kill)
	s.awaitEnv(t)
	return s
}

// awaitEnv waits for client.env, which is there once the server serves.
func (s *devServer) awaitEnv(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.dir, "client.env")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-s.ended:
			t.Fatalf("dev ended: %v\n%s", s.err, s.output)
		default:
		}
		if _, err := os.Stat(path); err == nil {
			s.env = sourceEnv(t, path)
			return
		}
	}
	t.Fatal("dev does not serve")
}

// sourceEnv has a shell read the file, as a user would.
func sourceEnv(t *testing.T, path string) map[string]string {
	t.Helper()
	command := exec.Command("/bin/sh", "-c", `set -aeu; . "$1"; env -0`, "sh", path)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	output, err := command.Output()
	if err != nil {
		t.Fatalf("sourcing client.env: %v", err)
	}
	env := map[string]string{}
	for line := range strings.SplitSeq(string(output), "\x00") {
		if name, value, found := strings.Cut(line, "="); found {
			env[name] = value
		}
	}
	return env
}

// kill ends the process at once, if it still runs.
func (s *devServer) kill() {
	s.cmd.Process.Kill()
	<-s.ended
}

// stop ends the process as an operator does, and checks that it ends cleanly.
func (s *devServer) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("dev does not end")
	}
	if s.err != nil {
		t.Fatalf("dev ended with %v\n%s", s.err, s.output)
	}
}

// client returns a client of the account in client.env.
func (s *devServer) client(t *testing.T) *client.Client {
	t.Helper()
	credential, err := client.ParseCredential(s.env["DFNS_CRED_ID"], []byte(s.env["DFNS_PRIVATE_KEY"]))
	if err != nil {
		t.Fatal(err)
	}
	config := client.Config{URL: s.env["DFNS_API_URL"], Token: s.env["DFNS_AUTH_TOKEN"], Credential: credential}
	if authority := s.env["NODE_EXTRA_CA_CERTS"]; authority != "" {
		text, err := os.ReadFile(authority)
		if err != nil {
			t.Fatal(err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(text)
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
