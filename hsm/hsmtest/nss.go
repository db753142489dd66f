//go:build cgo

package hsmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"keyferry/hsm"
)

// NSSLabel is the label of the one token of NSS that keeps keys.
const NSSLabel = "NSS Certificate DB"

// nssPaths is where distributions put NSS's own PKCS#11 library.
func nssPaths() []string {
	return []string{
		"/usr/lib/x86_64-linux-gnu/libsoftokn3.so", "/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
		"/usr/lib/aarch64-linux-gnu/libsoftokn3.so", "/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so",
		"/usr/lib64/libsoftokn3.so",
	}
}

// NSSPath returns the path of the library of NSS.
func NSSPath(t testing.TB) string {
	t.Helper()
	for _, path := range nssPaths() {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("these tests need NSS: apt-get install libnss3 libnss3-tools (Debian, Ubuntu)")
	return ""
}

// NSS makes a database of NSS, in which the token [NSSLabel] has the user's PIN [PIN], and
// returns the module that has it open. NSS is open once in a process, so tests that use
// it are not parallel.
func NSS(t testing.TB) *hsm.Module {
	t.Helper()
	path, dir := NSSPath(t), t.TempDir()
	secret := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(secret, []byte(PIN), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("certutil", "-N", "-d", "sql:"+dir, "-f", secret).CombinedOutput(); err != nil {
		t.Fatalf("certutil (apt-get install libnss3-tools): %v: %s", err, output)
	}
	module, err := hsm.OpenWithParameters(path, NSSParameters(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := module.Close(); err != nil {
			t.Errorf("closing NSS: %v", err)
		}
	})
	return module
}

// NSSParameters is what NSS takes when it is initialised.
func NSSParameters(dir string) string {
	return fmt.Sprintf("configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags=''", dir)
}

// NSSToken opens the token of [NSS] and holds the key ceremony on it.
func NSSToken(t testing.TB) *hsm.Token {
	t.Helper()
	token, err := NSS(t).Token(hsm.TokenConfig{Label: NSSLabel, PIN: MakePIN(t, PIN), Sessions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Errorf("closing the token of NSS: %v", err)
		}
	})
	if _, err := token.SelfTest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return token
}
