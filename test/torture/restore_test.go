//go:build cgo

package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyferry/shares/recovery"
)

// The drill of docs/operations.md: a backup of a running server, brought back after more
// has happened. Who kept a checkpoint finds out, and a user action that was used since
// the backup is not good again.
func TestRestoredBackupIsFoundOutAndUsedActionsStayUsed(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	auditor := newAuditor(t, dir)
	told := newTold()
	c := p.client(t)
	defer c.Close()
	must(t, told.export(context.Background(), c, p.env["KEYFERRY_KEY_ID"]))

	to, err := recovery.New()
	must(t, err)
	defer to.Destroy()
	body, err := json.Marshal(to.Request())
	must(t, err)
	path := "/keys/" + p.env["KEYFERRY_KEY_ID"] + "/export"
	action := consent(t, p.env["DFNS_API_URL"], p.env, path, string(body))
	backup := filepath.Join(t.TempDir(), "backup")
	run(t, "admin", "backup", "--dir", dir, "--out", backup)
	if status, text := post(t, p.env["DFNS_API_URL"]+path, p.env, action, body); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	auditor.visit(t)
	p.kill()

	restore(t, dir, backup)
	p = start(t, dir)
	archive := filepath.Join(t.TempDir(), "server.log")
	run(t, "audit", "export", "--dir", dir, "--out", archive)
	output, err := command(t, "audit", "verify", archive, "--audit-key", auditor.keys, "--kept", auditor.kept).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "than a checkpoint that was kept") && !strings.Contains(string(output), "not those of the checkpoint") {
		t.Errorf("the old state is not found out: %v\n%s", err, output)
	}
	run(t, "audit", "verify", archive, "--audit-key", auditor.keys) // by itself it is whole
	if status, text := post(t, p.env["DFNS_API_URL"]+path, p.env, action, body); status != http.StatusForbidden {
		t.Errorf("the action was used again: %d %s", status, text)
	}
	read(t, readArchive(t, archive)).check(t, p, told)
}

// restore puts the files of a backup in the place of those that are there, and tells the
// signers when.
func restore(t *testing.T, dir, backup string) {
	t.Helper()
	data := filepath.Join(dir, "state", "data")
	files, err := filepath.Glob(filepath.Join(backup, "*.db"))
	must(t, err)
	if len(files) != 6 {
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
	settings, err := os.OpenFile(filepath.Join(dir, "state", "keyferry.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	defer settings.Close()
	_, err = fmt.Fprintf(settings, "notBefore: %s\n", time.Now().UTC().Format(time.RFC3339))
	must(t, err)
}
