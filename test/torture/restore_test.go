//go:build cgo

package torture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/server/store/postgrestest"
)

// drill is how a kind of database is backed up while the server runs, and brought back
// when it has ended.
type drill struct {
	backUp  func(t *testing.T, folder string)
	restore func(t *testing.T, folder string)
}

// The drill of docs/operations.md: a backup of a running server, brought back after more
// has happened. Who kept a checkpoint finds out, and a user action that was used since
// the backup is not good again.
func TestRestoredBackupIsFoundOutAndUsedActionsStayUsed(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		goThrough(t, dir, drill{
			backUp:  func(t *testing.T, folder string) { run(t, "admin", "backup", "--dir", dir, "--out", folder) },
			restore: func(t *testing.T, folder string) { restoreFiles(t, dir, folder) },
		})
	})
	t.Run("postgres", func(t *testing.T) {
		dir, cluster := t.TempDir(), newCluster(t)
		start(t, dir).kill()
		var schemas []string
		moveState(t, dir, func(file string) string {
			schemas = append(schemas, schemaOf(file))
			return cluster.URL(schemaOf(file))
		})
		goThrough(t, dir, drill{
			backUp:  func(t *testing.T, folder string) { dump(t, cluster, schemas, folder) },
			restore: func(t *testing.T, folder string) { restoreSchemas(t, cluster, schemas, folder) },
		})
	})
}

func goThrough(t *testing.T, dir string, d drill) {
	t.Helper()
	p := start(t, dir)
	auditor := newAuditor(t, dir)
	told := newTold()
	c := p.client(t)
	defer c.Close()
	must(t, told.export(context.Background(), c, p.env["KEYFERRY_KEY_ID"]))

	action := sign(t, p, 1)[0]
	backup := filepath.Join(t.TempDir(), "backup")
	d.backUp(t, backup)
	if action.present(p); action.answered != 1 {
		t.Fatal("the export was not answered")
	}
	auditor.visit(t)
	p.kill()

	d.restore(t, backup)
	setNotBefore(t, dir)
	p = start(t, dir)
	archive := filepath.Join(t.TempDir(), "server.log")
	run(t, "audit", "export", "--dir", dir, "--out", archive)
	output, err := command(t, "audit", "verify", archive, "--audit-key", auditor.keys, "--kept", auditor.kept).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "than a checkpoint that was kept") && !strings.Contains(string(output), "not those of the checkpoint") {
		t.Errorf("the old state is not found out: %v\n%s", err, output)
	}
	run(t, "audit", "verify", archive, "--audit-key", auditor.keys) // by itself it is whole
	if status, text := post(t, p.env["DFNS_API_URL"]+action.path, p.env, action.token, action.body); status != http.StatusForbidden {
		t.Errorf("the action was used again: %d %s", status, text)
	}
	read(t, readArchive(t, archive)).check(t, p, told)
}

// restoreFiles puts the files of a backup in the place of those that are there.
func restoreFiles(t *testing.T, dir, backup string) {
	t.Helper()
	data := filepath.Join(dir, "state", "data")
	files, err := filepath.Glob(filepath.Join(backup, "*.db"))
	must(t, err)
	if len(files) != 1+devSigners {
		t.Fatalf("the backup has %v", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		place := filepath.Join(data, filepath.Base(file))
		must(t, os.RemoveAll(place+"-wal"))
		must(t, os.RemoveAll(place+"-shm"))
		must(t, os.WriteFile(place, text, 0o600))
	}
}

// newCluster makes a PostgreSQL for one test.
func newCluster(t *testing.T) *postgrestest.Cluster {
	t.Helper()
	cluster, err := postgrestest.New()
	must(t, err)
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

func schemaOf(file string) string {
	sum := sha256.Sum256([]byte(file))
	return "state_" + hex.EncodeToString(sum[:10])
}

// dump backs schemas up, one after another, the server's first.
func dump(t *testing.T, cluster *postgrestest.Cluster, schemas []string, folder string) {
	t.Helper()
	must(t, os.Mkdir(folder, 0o700))
	for _, schema := range schemas {
		text := program(t, cluster, nil, "pg_dump", "--format=custom", "--schema="+schema)
		must(t, os.WriteFile(filepath.Join(folder, schema), text, 0o600))
	}
}

// restoreSchemas drops what is there.
func restoreSchemas(t *testing.T, cluster *postgrestest.Cluster, schemas []string, folder string) {
	t.Helper()
	for _, schema := range schemas {
		program(t, cluster, nil, "psql", "--quiet", "--command=DROP SCHEMA "+schema+" CASCADE")
		text, err := os.ReadFile(filepath.Join(folder, schema))
		must(t, err)
		program(t, cluster, text, "pg_restore", "--exit-on-error")
	}
}

// program runs one of PostgreSQL's own against the cluster. Its URL has a member that
// they do not know.
func program(t *testing.T, cluster *postgrestest.Cluster, input []byte, name string, arguments ...string) []byte {
	t.Helper()
	cmd := cluster.Command(name, append(arguments, "--host="+cluster.Dir(), "--username=keyferry", "--dbname=postgres")...)
	var trouble bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &trouble
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, &trouble)
	}
	return output
}

// setNotBefore tells the signers when it was.
func setNotBefore(t *testing.T, dir string) {
	t.Helper()
	settings, err := os.OpenFile(filepath.Join(dir, "state", "keyferry.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	defer settings.Close()
	_, err = fmt.Fprintf(settings, "notBefore: %s\n", time.Now().UTC().Format(time.RFC3339))
	must(t, err)
}
