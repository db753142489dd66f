package keyformat

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const readers = "../../test/readers"

// read gives a key file to an independent reader, which must accept it, and returns
// what it found.
func read(t *testing.T, file []byte, script string, args ...string) map[string]string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(readers, "node_modules")); err != nil {
		t.Fatalf("the independent readers are not installed: run `make deps` (%v)", err)
	}
	var fields map[string]string
	if err := json.Unmarshal(run(t, file, "node", append([]string{script}, args...)...), &fields); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return fields
}

// run returns the standard output of a command in the readers' folder.
func run(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = readers
	command.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, stderr.Bytes())
	}
	return output
}
