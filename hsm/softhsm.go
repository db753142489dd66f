package hsm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// softHSMPaths is where distributions put the module.
func softHSMPaths() []string {
	return []string{
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so",
		"/usr/lib64/softhsm/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so",
		"/opt/homebrew/lib/softhsm/libsofthsm2.so",
	}
}

// FindSoftHSM gives the path of the SoftHSM module: what KEYFERRY_PKCS11_MODULE or
// SOFTHSM2_MODULE says, else the first of the usual places.
func FindSoftHSM() (string, error) {
	for _, name := range []string{"KEYFERRY_PKCS11_MODULE", "SOFTHSM2_MODULE"} {
		if path := os.Getenv(name); path != "" {
			if _, err := os.Stat(path); err != nil {
				return "", fmt.Errorf("the module that %s names: %w", name, err)
			}
			return path, nil
		}
	}
	for _, path := range softHSMPaths() {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("SoftHSM is not installed: apt-get install softhsm2 (Debian, Ubuntu), or name its library in SOFTHSM2_MODULE")
}

// PrepareSoftHSM makes SoftHSM keep its tokens under dir, which is made if missing,
// with access for its owner alone. Tokens that are there are kept. It sets
// SOFTHSM2_CONF for this process and those it starts, and so comes before the module
// is initialised: before the first call on a [Module] while none of its tokens is open.
func PrepareSoftHSM(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("preparing SoftHSM: %w", err)
	}
	// Its configuration is a file of lines, without any quoting.
	if strings.ContainsAny(dir, "\n\r#") {
		return fmt.Errorf("preparing SoftHSM: the directory %q has characters that its configuration cannot express", dir)
	}
	tokens := filepath.Join(dir, "tokens")
	if err := os.MkdirAll(tokens, 0o700); err != nil {
		return fmt.Errorf("preparing SoftHSM: %w", err)
	}
	path := filepath.Join(dir, "softhsm2.conf")
	if err := replaceFile(path, softHSMConfig(tokens)); err != nil {
		return fmt.Errorf("preparing SoftHSM: %w", err)
	}
	return os.Setenv("SOFTHSM2_CONF", path)
}

func softHSMConfig(tokens string) string {
	return "directories.tokendir = " + tokens + "\n" +
		"objectstore.backend = file\n" +
		"log.level = ERROR\n" +
		"slots.removable = false\n"
}

// replaceFile writes by rename: another process never reads half a configuration.
func replaceFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(text); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
