package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"keyferry/server/signer/trust"
)

// maxTrustFile is above what a trust document may have.
const maxTrustFile = 17 << 20

func newTrust() *cobra.Command {
	cmd := group("trust", "Say whom a signer believes, with documents that an offline root key signs",
		newTrustRoot(), newTrustTemplate(), newTrustExport(), newTrustSign(), newTrustInstall(), newTrustShow(), newTrustDiff())
	cmd.Long = cmd.Short + `.

Once, on a machine without a network: new-root. Its public half goes into the
configuration of every signer. Then, for each change: export (or template) a document,
read it, sign it on the offline machine, and install it at every signer.`
	return cmd
}

// openRootKey reads a root key into locked memory. The caller must Destroy it.
func openRootKey(path string) (*trust.RootKey, error) {
	text, err := readSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	defer text.Destroy()
	key, err := trust.ParseRootKey(text)
	if err != nil {
		return nil, fmt.Errorf("reading the root key %s: %w", path, err)
	}
	return key, nil
}

func openRoot(path string) (trust.Root, error) {
	text, err := readTrustFile(path)
	if err != nil {
		return trust.Root{}, err
	}
	root, err := trust.ParseRoot(text)
	if err != nil {
		return trust.Root{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return root, nil
}

// readTrustFile reads a document or a root's public key.
func readTrustFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxTrustFile))
}

// peekTrustFile reads a document, signed or not, that nobody is asked to believe.
func peekTrustFile(path string) (trust.Document, error) {
	text, err := readTrustFile(path)
	if err != nil {
		return trust.Document{}, err
	}
	d, err := trust.Peek(text)
	if err != nil {
		return trust.Document{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return d, nil
}

// writeDraft writes an unsigned document to a new file, or to standard output.
func writeDraft(d trust.Document, path string, stdout io.Writer) error {
	text, err := d.Marshal()
	if err != nil {
		return err
	}
	if path == "-" {
		_, err := stdout.Write(text)
		return err
	}
	return writeNewFile(path, text)
}

// writeNewFile writes what everybody may read. It never overwrites; after an error
// there is no new file.
func writeNewFile(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
