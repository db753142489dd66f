package recovery

import (
	"bytes"
	"errors"
	"testing"

	"keyferry/shares/locked/lockedtest"
)

// FuzzParse holds that a saved context that parses is saved again as it was, apart
// from its line's end and the case of its digits.
func FuzzParse(f *testing.F) {
	digits := "010000000000000000000000000000000000000000000000000000000000000001"
	for _, seed := range []string{
		savedLabel + digits + "\n", savedLabel + digits, savedLabel + digits + "\r\n", savedLabel + "02" + digits[2:],
		savedLabel + "01" + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", savedLabel, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(lockedtest.Bytes(t, text))
		if err != nil {
			if !errors.Is(err, ErrContext) {
				t.Fatal(err)
			}
			return
		}
		defer c.Destroy()
		again, err := c.Save()
		if err != nil {
			t.Fatal(err)
		}
		defer again.Destroy()
		if !bytes.EqualFold(bytes.TrimRight(text, "\r\n"), bytes.TrimRight(again.Bytes(), "\n")) {
			t.Fatal("another context was saved")
		}
	})
}
