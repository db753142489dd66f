//go:build cgo

package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCheckpointKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.key")
	var all sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		all.Go(func() {
			key, err := openCheckpointKey(path)
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	all.Wait()
	for i, key := range keys {
		if key != keys[0] {
			t.Errorf("opening %d has another key", i)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestCheckpointKeyFileMustHoldAnEd25519Key(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.key")
	if err := makeTokenKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := openCheckpointKey(path); err == nil || !strings.Contains(err.Error(), "Ed25519") {
		t.Errorf("got %v", err)
	}
}

func TestOfficeSignsTheAuditLogOfTheDeployment(t *testing.T) {
	c := readyConfig(t)
	office, err := OpenOffice(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer office.Close()
	signed, err := office.AuditLog.Checkpoint(context.Background())
	if err != nil || !strings.HasPrefix(string(signed), "keyferry/test/server\n") {
		t.Errorf("signed as %s, %v", signed, err)
	}
}
