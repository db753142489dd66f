//go:build cgo

package cluster

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// command is what a signer's operator calls, where the signer's token is.
func (c *cluster) command(n int, arguments ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], append(arguments, "--config", c.at(n, "signer.yaml"))...)
	command.Env = append(os.Environ(), "SOFTHSM2_CONF="+c.at(n, "tokens/softhsm2.conf"))
	return command
}

// operate runs an operator's command, which must succeed, and returns what it prints.
func (c *cluster) operate(t *testing.T, n int, arguments ...string) string {
	t.Helper()
	output, err := c.command(n, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("signer %d: keyferry %v: %v\n%s", n+1, arguments, err, output)
	}
	return string(output)
}

// run runs a command that must succeed, and returns what it prints.
func run(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := exec.Command(os.Args[0], arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("keyferry %v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

// refused runs a command that must not succeed, and say this.
func refused(t *testing.T, want string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(os.Args[0], arguments...).CombinedOutput(); err == nil || !strings.Contains(string(output), want) {
		t.Errorf("keyferry %v: %v, and does not say %q:\n%s", arguments, err, want, output)
	}
}

// edit changes a file, which must make a difference.
func edit(t *testing.T, path string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	changed := change(string(text))
	if changed == string(text) {
		t.Fatalf("%s is not as expected:\n%s", path, text)
	}
	must(t, os.WriteFile(path, []byte(changed), 0o600))
}
