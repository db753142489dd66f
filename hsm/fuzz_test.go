package hsm

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzReadPIN holds that a PIN is the one line of its file, and that an error has
// nothing of it.
func FuzzReadPIN(f *testing.F) {
	for _, seed := range []string{"1234", "1234\n", "1234\r\n", "12\n34", "\n", "", "\x00", strings.Repeat("1", maxPIN), strings.Repeat("1", maxPIN+1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pin, err := readPIN(bytes.NewReader(text))
		if err != nil {
			if pin != nil || len(text) > 8 && strings.Contains(err.Error(), string(text)) {
				t.Fatalf("%v, %v", pin, err)
			}
			return
		}
		defer pin.Destroy()
		line, end := bytes.CutPrefix(text, pin.bytes())
		if !end || !bytes.Contains([]byte("\r\n"), line) || len(pin.bytes()) == 0 || len(pin.bytes()) > maxPIN {
			t.Fatalf("of %d bytes, %d are the PIN", len(text), len(pin.bytes()))
		}
	})
}
