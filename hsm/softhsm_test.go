package hsm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNamedModuleMustExist(t *testing.T) {
	path := filepath.Join(t.TempDir(), "module.so")
	t.Setenv("KEYFERRY_PKCS11_MODULE", "")
	t.Setenv("SOFTHSM2_MODULE", path)
	if _, err := FindSoftHSM(); err == nil || !strings.Contains(err.Error(), "SOFTHSM2_MODULE") {
		t.Errorf("a missing module: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := FindSoftHSM(); err != nil || found != path {
		t.Errorf("found %q, %v", found, err)
	}
	t.Setenv("KEYFERRY_PKCS11_MODULE", path+".other")
	if _, err := FindSoftHSM(); err == nil {
		t.Error("KEYFERRY_PKCS11_MODULE does not come first")
	}
}

func TestPreparedDirectoryIsForItsOwnerAloneAndKeepsItsTokens(t *testing.T) {
	t.Setenv("SOFTHSM2_CONF", "")
	dir := filepath.Join(t.TempDir(), "hsm")
	if err := PrepareSoftHSM(dir); err != nil {
		t.Fatal(err)
	}
	for _, made := range []string{dir, filepath.Join(dir, "tokens")} {
		if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", made, info.Mode(), err)
		}
	}
	kept := filepath.Join(dir, "tokens", "token")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := PrepareSoftHSM(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	config, err := os.ReadFile(os.Getenv("SOFTHSM2_CONF"))
	if err != nil || !strings.Contains(string(config), "directories.tokendir = "+filepath.Join(dir, "tokens")+"\n") {
		t.Errorf("configuration %q, %v", config, err)
	}
}

func TestDirectoryThatTheConfigurationCannotExpressIsRefused(t *testing.T) {
	t.Setenv("SOFTHSM2_CONF", "unchanged")
	if err := PrepareSoftHSM(filepath.Join(t.TempDir(), "a\nslots.removable = true")); err == nil {
		t.Error("a line break was accepted")
	}
	if os.Getenv("SOFTHSM2_CONF") != "unchanged" {
		t.Error("the environment was changed")
	}
}
