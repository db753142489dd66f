//go:build cgo

// Package asprogram is for tests that are also the program: the processes of a cluster
// (server/sandbox) are those of the binary that makes it, so a test's run the code under
// test, with the race detector where the test has it.
package asprogram

import (
	"log/slog"
	"os"
	"testing"

	"keyferry/server/cli"
	"keyferry/server/sandbox"
)

// Variables of the tests alone. They are not named as settings are: the program refuses
// settings that it does not know.
const (
	asProgram = "TEST_AS_PROGRAM" // this binary is to be the program
	torture   = "TEST_TORTURE"    // what KEYFERRY_TORTURE was
)

// Main is the body of a TestMain: it is the program where a test wants that, and else has
// the tests run. Tests must not look for KEYFERRY_TORTURE then, but call [Torture].
func Main(m *testing.M, run func(*testing.M)) {
	if os.Getenv(asProgram) != "" {
		os.Exit(cli.Main())
	}
	os.Setenv(torture, os.Getenv("KEYFERRY_TORTURE"))
	os.Unsetenv("KEYFERRY_TORTURE")
	run(m)
}

// Torture is KEYFERRY_TORTURE: "" where the tests' short forms are wanted.
func Torture() string { return os.Getenv(torture) }

// NewCluster makes a cluster below a directory. None of its processes runs yet, and those
// that do are ended with the test. They must be started with a context that outlasts the
// test's own, which ends before.
func NewCluster(t testing.TB, dir string) *sandbox.Cluster {
	t.Helper()
	t.Setenv(asProgram, "1")
	t.Setenv("SOFTHSM2_CONF", "") // sandbox.NewCluster sets it: undone at the end
	made, err := sandbox.NewCluster(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Close(); err != nil {
			t.Errorf("ending the cluster: %v", err)
		}
	})
	return made
}
