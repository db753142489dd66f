package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"keyferry/shares/locked"
)

// readPassword returns the password that a new file is encrypted under: the first
// line of a file, or what is typed twice on the terminal. The caller must Destroy it.
func readPassword(ctx context.Context, path string, stdin io.Reader, prompts io.Writer) (*locked.Buffer, error) {
	if path != "" {
		return readPasswordFile(path)
	}
	terminal, ok := stdin.(*os.File)
	if !ok || !isatty.IsTerminal(terminal.Fd()) {
		return nil, usage("this format is encrypted: give --password-file FILE, or type the password on a terminal")
	}
	fmt.Fprint(prompts, "Password for the key file: ")
	password, err := readHidden(ctx, terminal, prompts)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(prompts, "The same once more: ")
	again, err := readHidden(ctx, terminal, prompts)
	if err != nil {
		password.Destroy()
		return nil, err
	}
	defer again.Destroy()
	if !bytes.Equal(password.Bytes(), again.Bytes()) {
		password.Destroy()
		return nil, errors.New("the two passwords differ")
	}
	return password, nil
}

func readPasswordFile(path string) (*locked.Buffer, error) {
	password, err := readSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the password: %w", err)
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(password.Bytes(), []byte("\n")), []byte("\r"))
	if len(line) == 0 || bytes.ContainsAny(line, "\r\n") {
		password.Destroy()
		return nil, fmt.Errorf("%s is not one line with a password", path)
	}
	password.Resize(len(line))
	return password, nil
}

// readHidden reads a line that the terminal does not show. term collects it on the
// heap, which is why it runs inside locked.Do. Where the command is interrupted, the
// terminal shows again what is typed.
func readHidden(ctx context.Context, terminal *os.File, prompts io.Writer) (*locked.Buffer, error) {
	fd := int(terminal.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = term.Restore(fd, state) })()
	password, err := locked.New(maxSecretFile)
	if err != nil {
		return nil, err
	}
	length := 0
	locked.Do(func() {
		var typed []byte
		typed, err = term.ReadPassword(fd)
		length = len(typed)
		copy(password.Bytes(), typed)
		clear(typed)
	})
	fmt.Fprintln(prompts)
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err == nil && length == 0:
		err = errors.New("the password is empty")
	case err == nil && length > maxSecretFile:
		err = fmt.Errorf("the password has more than %d bytes", maxSecretFile)
	}
	if err != nil {
		password.Destroy()
		return nil, fmt.Errorf("reading a password: %w", err)
	}
	password.Resize(length)
	return password, nil
}
