//go:build cgo

package test

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"keyferry/server/cli"
)

// TestMain lets this test binary be the program keyferry, for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"keyferry": func() { os.Exit(cli.Main()) },
	})
}

// TestScripts drives the program as its users do: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// A module elsewhere is named in the environment, which scripts do not inherit.
			for _, name := range []string{"SOFTHSM2_MODULE", "KEYFERRY_PKCS11_MODULE"} {
				if value := os.Getenv(name); value != "" {
					env.Setenv(name, value)
				}
			}
			native, err := filepath.Abs("../shares/testdata/native")
			env.Setenv("NATIVE_SHARES", native)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     await,
			"damage":    damage,
			"source":    source,
			"terminate": terminate,
			"status":    status,
		},
	})
}

// await FILE waits until a background command has made the file.
func await(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s does not appear", args[0])
}

// damage FILE [KEY] wipes one sealed share in a signer's store: the first, or the key's.
func damage(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: damage FILE [KEY]")
	}
	key := ""
	if len(args) == 2 {
		key = args[1]
	}
	db, err := sql.Open("sqlite3", ts.MkAbs(args[0]))
	ts.Check(err)
	result, err := db.Exec(`UPDATE shares SET sealed = zeroblob(length(sealed)) WHERE key_id = coalesce(nullif($1, ''), (SELECT min(key_id) FROM shares))`, key)
	ts.Check(errors.Join(err, db.Close()))
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		ts.Fatalf("%d shares were damaged: %v", n, err)
	}
}

// source FILE takes over what the file exports to a POSIX shell, as sourcing it with
// all errors fatal would.
func source(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 1 {
		ts.Fatalf("usage: source FILE")
	}
	command := exec.Command("/bin/sh", "-c", `set -eu; . "$1"; env -0`, "sh", ts.MkAbs(args[0]))
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	output, err := command.Output()
	ts.Check(err)
	for entry := range strings.SplitSeq(string(output), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "DFNS_") || strings.HasPrefix(name, "KEYFERRY_") || name == "NODE_EXTRA_CA_CERTS" {
			ts.Setenv(name, value)
		}
	}
}

// terminate sends SIGTERM to the background commands.
func terminate(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 0 {
		ts.Fatalf("usage: terminate")
	}
	for _, command := range ts.BackgroundCmds() {
		ts.Check(command.Process.Signal(syscall.SIGTERM))
	}
}

// status N PROGRAM ARG... runs a program that must end with exit status N.
func status(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARG...")
	}
	want := args[0]
	err := ts.Exec("/bin/sh", append([]string{"-c", `"$@"; test $? -eq "$0"`, want}, args[1:]...)...)
	if err != nil {
		ts.Fatalf("the exit status is not %s", want)
	}
}
