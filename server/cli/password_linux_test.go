package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// newTerminal returns both ends of a pseudoterminal: what a person types is written
// to the first, and the program reads from the second.
func newTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

func typed(t *testing.T, ctx context.Context, text string) (string, error) {
	t.Helper()
	keyboard, terminal := newTerminal(t)
	if _, err := io.WriteString(keyboard, text); err != nil {
		t.Fatal(err)
	}
	password, err := readPassword(ctx, "", terminal, io.Discard)
	if err != nil {
		return "", err
	}
	defer password.Destroy()
	return string(password.Bytes()), nil
}

func TestPasswordIsTypedTwice(t *testing.T) {
	if got, err := typed(t, t.Context(), "correct horse\ncorrect horse\n"); got != "correct horse" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := typed(t, t.Context(), "correct horse\ncorrect house\n"); err == nil || strings.Contains(err.Error(), "horse") {
		t.Errorf("two passwords: %v", err)
	}
	if _, err := typed(t, t.Context(), "\n\n"); err == nil {
		t.Error("took no password")
	}
}

func TestInterruptedPromptGivesNoPassword(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := typed(t, ctx, "correct horse\ncorrect horse\n"); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
