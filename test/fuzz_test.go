package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runFuzz has the script fuzz a copy of a module in testdata, and returns where the copy
// is and what the script printed.
func runFuzz(t *testing.T, module string) (dir, output string, err error) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "fuzzing", module))); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("./fuzz", dir)
	command.Env = append(os.Environ(), "FUZZTIME=2000x", "FUZZJOBS=2", "FUZZCORPUS=", "GOFLAGS=")
	text, err := command.CombinedOutput()
	return dir, string(text), err
}

func TestFuzzFailsWithWhatWasFoundAndWhereItIs(t *testing.T) {
	dir, output, err := runFuzz(t, "finds")
	if err == nil {
		t.Errorf("it says that nothing was found")
	}
	for _, want := range []string{
		"== FAILED: throwaway FuzzFinds in .", "Failing input written to testdata/fuzz/FuzzFinds/", `found "`,
		"== FAILED: throwaway/idle FuzzIdle in ./idle after 0 executions",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("%q is missing in\n%s", want, output)
		}
	}
	if !regexp.MustCompile(`(?m)^ *[1-9][0-9]*  throwaway/quiet FuzzQuiet$`).MatchString(output) {
		t.Errorf("it does not say how often the other target was called:\n%s", output)
	}
	if inputs, err := filepath.Glob(filepath.Join(dir, "testdata/fuzz/FuzzFinds/*")); err != nil || len(inputs) == 0 {
		t.Errorf("the input was not kept: %v", err)
	}
}

func TestFuzzFailsWhereThereIsNoTarget(t *testing.T) {
	if _, output, err := runFuzz(t, "none"); err == nil || !strings.Contains(output, "no fuzz target was found") {
		t.Errorf("%v\n%s", err, output)
	}
}
