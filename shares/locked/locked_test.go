package locked

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func newBuffer(t *testing.T, length, capacity int) *Buffer {
	t.Helper()
	b, err := NewWithCapacity(length, capacity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Destroy)
	return b
}

func TestBufferNeverPrintsItsSecret(t *testing.T) {
	b := newBuffer(t, 6, 6)
	copy(b.Bytes(), "hunter")
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("opened", "share", b)
	encoded, err := json.Marshal(map[string]any{"share": b})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(b), fmt.Sprintf("%s %v %+v %#v %x %X %q %d", b, b, b, b, b, b, b, b), logged.String(), string(encoded),
	} {
		if !strings.Contains(text, redacted) || strings.Contains(text, "hunter") || strings.Contains(text, "68756e746572") {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestResizeWipesWhatItCutsOff(t *testing.T) {
	b := newBuffer(t, 8, 16)
	copy(b.Bytes(), "abcdefgh")
	b.Resize(3)
	b.Resize(16)
	if want := "abc" + strings.Repeat("\x00", 13); string(b.Bytes()) != want {
		t.Errorf("after shrinking and growing: %q", b.Bytes())
	}
	defer func() {
		if recover() == nil {
			t.Error("grew beyond its capacity")
		}
	}()
	b.Resize(17)
}

func TestDestroyTwiceAndOnNil(t *testing.T) {
	b := newBuffer(t, 1, 1)
	b.Destroy()
	b.Destroy()
	(*Buffer)(nil).Destroy()
	if b.Len() != 0 {
		t.Error("the secret is still reachable")
	}
}

func TestImpossibleSizesAreRefused(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {-1, 4}, {5, 4}} {
		if _, err := NewWithCapacity(size[0], size[1]); err == nil {
			t.Errorf("made a buffer of %d of %d bytes", size[0], size[1])
		}
	}
}

func TestDoRunsItsFunction(t *testing.T) {
	b := newBuffer(t, 1, 1)
	Do(func() { b.Bytes()[0] = 7 })
	if b.Bytes()[0] != 7 {
		t.Error("the result is lost")
	}
}
