package cli

import (
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
