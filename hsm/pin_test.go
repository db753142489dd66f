package hsm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func pinFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPINFileIsReadWithoutItsNewline(t *testing.T) {
	long := strings.Repeat("9", 255)
	for text, want := range map[string]string{"1234": "1234", "1234\n": "1234", "12 34\r\n": "12 34", long + "\r\n": long} {
		pin, err := ReadPIN(pinFile(t, text, 0o400))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if string(pin.bytes()) != want {
			t.Errorf("%q was read as %d bytes", text, len(pin.bytes()))
		}
		pin.Destroy()
	}
}

func TestBadPINFilesAreRefused(t *testing.T) {
	for _, text := range []string{"", "\n", "\r\n", "12\n34\n", "1234\n\n", "12\x0034", strings.Repeat("9", 256), strings.Repeat("9", 4096)} {
		if pin, err := ReadPIN(pinFile(t, text, 0o400)); err == nil {
			pin.Destroy()
			t.Errorf("%.20q was accepted", text)
		}
	}
	if _, err := ReadPIN(t.TempDir()); err == nil {
		t.Error("a directory was accepted")
	}
	if _, err := ReadPIN(filepath.Join(t.TempDir(), "missing")); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("a missing file: %v", err)
	}
}

func unwrapAll(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestPINFileThatOthersReachIsRefused(t *testing.T) {
	for mode, accepted := range map[os.FileMode]bool{
		0o400: true, 0o600: true, 0o440: true, 0o640: true, 0o444: false, 0o644: false, 0o604: false, 0o620: false, 0o602: false,
	} {
		pin, err := ReadPIN(pinFile(t, "1234", mode))
		pin.Destroy()
		if (err == nil) != accepted {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if err != nil && strings.Contains(err.Error(), "1234") {
			t.Errorf("the message has the PIN in it: %v", err)
		}
	}
}

func TestPINNeverPrints(t *testing.T) {
	pin, err := NewPIN([]byte("hunter"))
	if err != nil {
		t.Fatal(err)
	}
	defer pin.Destroy()
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("opening", "pin", pin)
	encoded, err := json.Marshal(map[string]any{"pin": pin})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%s %v %+v %#v %x %q", pin, pin, pin, pin, pin, pin), logged.String(), string(encoded)} {
		if !strings.Contains(text, "[secret]") || strings.Contains(text, "hunter") || strings.Contains(text, "68756e746572") {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestDestroyedPINOpensNothing(t *testing.T) {
	pin, err := NewPIN([]byte("1234"))
	if err != nil {
		t.Fatal(err)
	}
	pin.Destroy()
	pin.Destroy()
	if _, err := pin.clone(); err == nil {
		t.Error("a destroyed PIN was copied")
	}
}
