package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"
)

// destination is where a recovered private key goes.
type destination struct {
	path   string
	stdout bool
}

func (d *destination) register(flags *pflag.FlagSet) {
	flags.StringVar(&d.path, "out", "", "file for the private key; it must not exist, and only you can read it")
	flags.BoolVar(&d.stdout, "stdout", false, "print the private key, even on a terminal")
}

// open takes the destination before anything is exported: there is no export without
// a place for the key.
func (d *destination) open(stdout io.Writer) (*output, error) {
	if d.path == "" {
		if file, ok := stdout.(*os.File); ok && isatty.IsTerminal(file.Fd()) && !d.stdout {
			return nil, usage("not printing a private key on a terminal: give --out FILE, or --stdout if you mean it")
		}
		return &output{Writer: stdout}, nil
	}
	if d.stdout {
		return nil, usage("--out and --stdout exclude each other")
	}
	file, err := os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s exists: an export never overwrites a file", d.path)
	}
	if err != nil {
		return nil, err
	}
	return &output{Writer: file, file: file}, nil
}

// output is an open destination.
type output struct {
	io.Writer
	file *os.File // nil for standard output
}

// finish makes the file durable.
func (o *output) finish() error {
	if o.file == nil {
		return nil
	}
	return errors.Join(o.file.Sync(), o.file.Close())
}

// discard removes the file of an export that failed.
func (o *output) discard() {
	if o.file != nil {
		o.file.Close()
		os.Remove(o.file.Name())
	}
}
