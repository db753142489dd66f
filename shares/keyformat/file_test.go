package keyformat

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"keyferry/shares/locked"
	"keyferry/shares/locked/lockedtest"
)

func TestWriteFileIsForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := WriteFile(path, lockedtest.Bytes(t, []byte("secret\n"))); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "secret\n" {
		t.Errorf("contents %q, %v", got, err)
	}
}

func TestWriteFileNeverOverwrites(t *testing.T) {
	directory := t.TempDir()
	file, link := filepath.Join(directory, "file"), filepath.Join(directory, "link")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(directory, "target")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, directory} {
		if err := WriteFile(path, lockedtest.Bytes(t, []byte("new"))); !errors.Is(err, os.ErrExist) {
			t.Errorf("writing to %s: %v", path, err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "old" {
		t.Errorf("the old file is now %q, %v", got, err)
	}
	if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the symbolic link was followed: %v", err)
	}
}

func TestWriteFileRefusesNothingToWrite(t *testing.T) {
	destroyed := lockedtest.Bytes(t, []byte("x"))
	destroyed.Destroy()
	path := filepath.Join(t.TempDir(), "key")
	for _, secret := range []*locked.Buffer{nil, destroyed} {
		if err := WriteFile(path, secret); err == nil {
			t.Error("wrote no key at all")
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left a file: %v", err)
		}
	}
}
