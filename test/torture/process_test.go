//go:build cgo

// Package torture kills real server processes at random points of what they do, starts
// them again, and looks at what is left: at the record, at the signers' records, and at
// the keys. Nothing in it is simulated: the program, SoftHSM, SQLite and PostgreSQL.
//
//	process_test.go     a server process, and its state on either database
//	load_test.go        the clients that keep it busy, and what they were told
//	replay_test.go      user actions that are presented before and after the end
//	auditor_test.go     the product's own commands on the logs, visit by visit
//	invariants_test.go  what the record must say, whenever it is looked at
//	leftovers_test.go   what must be in the databases when nothing is under way
//	torture_test.go     the tests
//	cluster_test.go     the same where each signer is a process of its own, and
//	cluster_record_test.go  what must be true of their stores and logs
//	rotation_test.go    the same while share-wrapping keys are replaced
//	tokens_test.go      token files that SoftHSM was killed in the middle of writing
//	restore_test.go     a backup of a running server, brought back
//	race_test.go        two servers on one database, and one user action
//	disk_test.go        a disk that fails under the databases
//	postgres_test.go    a PostgreSQL in trouble
//
// KEYFERRY_TORTURE is how often each test kills (make torture: 500).
package torture

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"keyferry/server/client"
	"keyferry/server/store/postgrestest"
	"keyferry/test/asprogram"
)

func TestMain(m *testing.M) { asprogram.Main(m, postgrestest.Main) }

const patience = 60 * time.Second

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "keyferry-torture")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "keyferry")
	output, err := exec.Command("go", "build", "-o", path, "../..").CombinedOutput()
	if err != nil {
		return "", errors.New(string(output))
	}
	return path, nil
})

func command(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	return exec.Command(path, arguments...)
}

// devSigners is how many signers a server has inside it.
const devSigners = 5

// process is a running server.
type process struct {
	dir    string
	env    map[string]string
	idle   string       // an organisation without keys, if there is one
	output bytes.Buffer // to be read when it has ended
	tokens tokenFiles
	cmd    *exec.Cmd
	ended  chan struct{}
}

// start starts a server on a directory and waits until it serves.
func start(t *testing.T, dir string) *process {
	t.Helper()
	p := &process{dir: dir, ended: make(chan struct{})}
	settings := filepath.Join(dir, "client.env")
	must(t, os.RemoveAll(settings)) // what a killed one left
	p.cmd = command(t, "dev", "--dir", dir, "--listen", "127.0.0.1:0")
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	must(t, p.cmd.Start())
	go func() {
		p.cmd.Wait() // how it ended does not matter
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatalf("it does not start:\n%s", p.output.String())
		default:
		}
		if text, err := os.ReadFile(settings); err == nil {
			p.env = parseEnv(string(text))
			p.tokens = keepTokens(t, filepath.Join(dir, "state"))
			return p
		}
	}
	t.Fatal("it does not serve")
	return nil
}

// parseEnv reads NAME='value' lines; values may have several lines.
func parseEnv(text string) map[string]string {
	env := map[string]string{}
	for _, found := range regexp.MustCompile(`(?ms)^([A-Z_]+)='([^']*)'$`).FindAllStringSubmatch(text, -1) {
		env[found[1]] = found[2]
	}
	return env
}

// admin returns an operator's command.
func (p *process) admin(arguments ...string) *exec.Cmd {
	return exec.Command(p.cmd.Path, append([]string{"admin", "--dir", p.dir}, arguments...)...)
}

// addOrganisation makes the one that has no keys.
func (p *process) addOrganisation(t *testing.T) {
	t.Helper()
	var made struct{ ID string }
	output, err := p.admin("organisation", "create", "--name", "Idle", "--json").Output()
	must(t, err)
	must(t, json.Unmarshal(output, &made))
	p.idle = made.ID
}

// again starts another server where one has ended.
func (p *process) again(t *testing.T) *process {
	t.Helper()
	p.tokens.mend(t)
	next := start(t, p.dir)
	next.idle = p.idle
	return next
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) client(t *testing.T) *client.Client {
	t.Helper()
	credential, err := client.ParseCredential(p.env["DFNS_CRED_ID"], []byte(p.env["DFNS_PRIVATE_KEY"]))
	must(t, err)
	c, err := client.New(client.Config{URL: p.env["DFNS_API_URL"], Token: p.env["DFNS_AUTH_TOKEN"], Credential: credential, Timeout: 20 * time.Second})
	must(t, err)
	return c
}

// onEveryDatabase gives a test the directory of a server that was never started, with
// its state in files or in PostgreSQL.
func onEveryDatabase(t *testing.T, test func(t *testing.T, dir string)) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		start(t, dir).kill()
		test(t, dir)
	})
	t.Run("postgres", func(t *testing.T) {
		dir := t.TempDir()
		start(t, dir).kill()
		moveToPostgres(t, dir)
		test(t, dir)
	})
}

// moveToPostgres has the server begin anew in PostgreSQL, with the tokens that it has.
func moveToPostgres(t *testing.T, dir string) {
	t.Helper()
	moveState(t, dir, func(database string) string { return postgrestest.URL(t, filepath.Join(dir, database)) })
}

// moveState has the server begin anew in other databases.
func moveState(t *testing.T, dir string, to func(database string) string) {
	t.Helper()
	path := filepath.Join(dir, "state", "keyferry.yaml")
	text, err := os.ReadFile(path)
	must(t, err)
	files := regexp.MustCompile(`data/([a-z0-9-]+)\.db`)
	if found := files.FindAll(text, -1); len(found) != 1+devSigners {
		t.Fatalf("the settings are not as expected:\n%s", text)
	}
	moved := files.ReplaceAllFunc(text, func(file []byte) []byte { return []byte(`"` + to(string(file)) + `"`) })
	must(t, os.WriteFile(path, moved, 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
