//go:build cgo

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/test/memscan"
)

// A server that verifies its signers' shares opens each of them, and nothing of it stays.
// It is another process than the one that took them in: whatever is found comes from the
// verification.
func TestNoShareStaysInAServerThatVerifies(t *testing.T) {
	path, dir := erasing.binary(t), t.TempDir()
	before := startProgram(t, path, dir)
	w := &traffic{client: before.client(t), scanner: memscan.New()}
	w.run(t, 10, 10, 4)
	before.stop(t)
	settings := filepath.Join(dir, "state", "keyferry.yaml")
	file, err := os.OpenFile(settings, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("\nverify: {every: 24h, rate: 1000}\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s := startProgram(t, path, dir)
	awaitVerified(t, path, settings)
	time.Sleep(rest)
	found, searched, err := w.scanner.Process(s.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	s.stop(t)
	t.Logf("looked for %d secrets in %d MiB", w.scanner.Secrets(), searched>>20)
	for _, f := range found {
		t.Errorf("%+v", f)
	}
	if searched < 8<<20 {
		t.Errorf("only %d bytes were searched", searched)
	}
}

// awaitVerified asks as the signers' operators do.
func awaitVerified(t *testing.T, path, settings string) {
	t.Helper()
	const signers = 5
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		command := exec.Command(path, "signer", "status", "--json", "--config", settings)
		command.Env = append(os.Environ(), "SOFTHSM2_CONF="+filepath.Join(filepath.Dir(settings), "softhsm", "softhsm2.conf"))
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		if strings.Count(string(output), `"lastWithoutDamage":"2`) == signers && !strings.Contains(string(output), `"intact":0,`) {
			return
		}
	}
	t.Fatal("the server does not verify")
}
