package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"keyferry/server/audit"
)

func TestBackupIsOneMomentOfADatabaseInUse(t *testing.T) {
	place, to := t.TempDir(), t.TempDir()
	s := sqliteServer(t, place)
	appendSome(t, s, 20)
	ctx, stop := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				if err := s.Append(context.Background(), entry(audit.RequestRefused)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	err := Backup(context.Background(), filepath.Join(place, "server.db"), filepath.Join(to, "server.db"))
	stop()
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(to, "server.db"))
	if err != nil || info.Mode().Perm() != fileMode {
		t.Errorf("%v, %v", info, err)
	}
	now := verifiedArchive(t, s)
	restored := sqliteServer(t, to)
	if c := verifiedArchive(t, restored); c.Size < 20 || c.Size > now.Size {
		t.Errorf("%d entries of %d", c.Size, now.Size)
	}
	appendSome(t, restored, 3)
	verifiedArchive(t, restored)
}

func TestBackupTakesNoFileThatIsThereAndLeavesNone(t *testing.T) {
	place := t.TempDir()
	sqliteServer(t, place)
	from, there := filepath.Join(place, "server.db"), filepath.Join(place, "there")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(context.Background(), from, there); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	none := filepath.Join(place, "none")
	if err := Backup(context.Background(), filepath.Join(place, "missing.db"), none); err == nil {
		t.Error("backed up nothing")
	}
	if err := Backup(context.Background(), there, none); err == nil {
		t.Error("backed up what is no database")
	}
	if err := Backup(context.Background(), "postgres://localhost/x", none); !errors.Is(err, ErrBackupElsewhere) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(none); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file is left: %v", err)
	}
}
