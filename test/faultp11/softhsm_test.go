//go:build linux && cgo

package faultp11_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tokenDirectory finds where SoftHSM keeps a token: the folder is named like the token's
// serial number, with more in front.
func tokenDirectory(t testing.TB, b *bench) string {
	t.Helper()
	info, err := b.raw.GetTokenInfo(b.slot)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(filepath.Dir(os.Getenv("SOFTHSM2_CONF")), "tokens")
	folders, err := os.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if strings.HasSuffix(strings.ReplaceAll(folder.Name(), "-", ""), info.SerialNumber) {
			return filepath.Join(base, folder.Name())
		}
	}
	t.Fatalf("no folder for serial number %s among %d", info.SerialNumber, len(folders))
	return ""
}
