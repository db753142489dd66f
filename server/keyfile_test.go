//go:build cgo

package server

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"keyferry/config"
)

func TestTokenKeyIsMadeOnceByHoweverManyProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.key")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := makeTokenKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	first, err := loadTokenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := makeTokenKey(path); err != nil {
		t.Fatal(err)
	}
	if again, err := loadTokenKey(path); err != nil || !again.Equal(first) {
		t.Errorf("the key was replaced: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKeyFilesThatOthersCanReadAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token.key")
	if err := makeTokenKey(path); err != nil {
		t.Fatal(err)
	}
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o644: false, 0o660: false, 0o602: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := loadTokenKey(path); (err == nil) != good {
			t.Errorf("mode %04o: %v", mode, err)
		}
		_, err := loadCertificate(config.TLS{CertificateFile: path, KeyFile: path})
		if refused := err != nil && strings.Contains(err.Error(), "chmod"); refused == good {
			t.Errorf("TLS key of mode %04o: %v", mode, err)
		}
	}
}

func TestTokenKeyFileMustHoldAP256Key(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":     "",
		"not PEM":     "secret",
		"not PKCS#8":  "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
		"another use": "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n",
	} {
		path := filepath.Join(t.TempDir(), "token.key")
		write(t, path, text)
		_, err := loadTokenKey(path)
		if err == nil {
			t.Errorf("%s is taken for a key", name)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
	if _, err := loadTokenKey(t.TempDir()); err == nil {
		t.Error("a directory is taken for a key")
	}
}
