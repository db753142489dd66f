//go:build cgo

package test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"keyferry/shares/recovery"
)

// The server is killed when the journal has the export and the signers have not yet
// answered: a signer's database is held by another writer, so that it cannot record
// the use of the action.
func TestExportKilledBeforeItsAnswerIsRecorded(t *testing.T) {
	s := startDev(t, t.TempDir())
	key := s.env["KEYFERRY_KEY_ID"]
	release := holdDatabase(t, filepath.Join(s.dir, "state/data/signer-1.db"))
	answered := make(chan error, 1)
	go func() { answered <- s.export(t, key) }()
	awaitRecord(t, s.dir, "export.begun")
	s.kill()
	if err := <-answered; err == nil {
		t.Fatal("the export was answered")
	}
	release()

	s = startDev(t, s.dir)
	after, err := s.client(t).Key(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	if !after.Exported {
		t.Error("the key is not marked as exported")
	}
	awaitRecord(t, s.dir, "export.interrupted")
	if err := s.export(t, key); err != nil {
		t.Errorf("an export after the restart: %v", err)
	}
	s.stop(t)
}

func (s *devServer) export(t *testing.T, key string) error {
	c, err := recovery.New()
	if err != nil {
		return err
	}
	defer c.Destroy()
	response, err := s.client(t).Export(context.Background(), key, c)
	if err != nil {
		return err
	}
	recovered, err := c.Recover(response, recovery.Options{})
	if err != nil {
		return err
	}
	recovered.Destroy()
	return nil
}

// holdDatabase takes a database's write lock until the returned function is called.
func holdDatabase(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		tx.Rollback()
		db.Close()
	}
}

// awaitRecord waits until the audit record has an entry of the kind.
func awaitRecord(t *testing.T, dir, kind string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, entry := range auditRecord(t, dir) {
			if strings.Contains(entry, `"kind":"`+kind+`"`) {
				return
			}
		}
	}
	t.Fatalf("no entry %s", kind)
}

// auditRecord reads the record as it is on disk.
func auditRecord(t *testing.T, dir string) []string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "state/data/server.db")+"?mode=ro&_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT entry FROM audit_log ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var entries []string
	for rows.Next() {
		var entry string
		if err := rows.Scan(&entry); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return entries
}

// spoil changes a database behind the server's back.
func spoil(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed %d rows, %v", statement, n, err)
	}
}
