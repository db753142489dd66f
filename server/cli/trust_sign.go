package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"keyferry/server/signer/trust"
	"keyferry/shares/keyformat"
)

func newTrustRoot() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "new-root", Short: "Make an organisation's root key, on a machine without a network", Args: cobra.NoArgs,
		Long: `Make an organisation's root key, on a machine without a network.

FILE gets the private key, unencrypted, and only you can read it: whoever has it decides
whom the signers believe. FILE.pub gets the public key, which the signers' operators pin.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			root, err := makeRoot(out)
			if err != nil {
				return err
			}
			r := record{{"private key", out}, {"public key", publicFile(out)}, {"fingerprint", root.Fingerprint()}}
			return r.print(cmd.OutOrStdout(), false)
		}),
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the private key; neither it nor FILE.pub may exist")
	cmd.MarkFlagRequired("out")
	return cmd
}

func publicFile(private string) string { return private + ".pub" }

// makeRoot leaves both files or none.
func makeRoot(path string) (trust.Root, error) {
	key, err := trust.NewRootKey()
	if err != nil {
		return trust.Root{}, err
	}
	defer key.Destroy()
	public, err := key.Public().PEM()
	if err != nil {
		return trust.Root{}, err
	}
	private, err := key.PEM()
	if err != nil {
		return trust.Root{}, err
	}
	defer private.Destroy()
	if err := keyformat.WriteFile(path, private); err != nil {
		return trust.Root{}, err
	}
	if err := writeNewFile(publicFile(path), public); err != nil {
		return trust.Root{}, errors.Join(fmt.Errorf("writing the public key: %w", err), os.Remove(path))
	}
	return key.Public(), nil
}

func newTrustSign() *cobra.Command {
	var root, document, out string
	cmd := &cobra.Command{
		Use: "sign", Short: "Sign a document with the root key, on a machine without a network", Args: cobra.NoArgs,
		Long: `Sign a document with the root key, on a machine without a network. Read it first: with
"trust show", and with "trust diff" against the one before.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			signed, err := signTrust(root, document)
			if err != nil {
				return err
			}
			if err := writeNewFile(out, signed.File()); err != nil {
				return fmt.Errorf("writing the signed document: %w", err)
			}
			d := signed.Document()
			r := record{{"signed document", out}, {"organisation", d.Org}, {"serial", d.Serial}, {"sha256", fmt.Sprintf("%x", signed.Hash())}}
			return r.print(cmd.OutOrStdout(), false)
		}),
	}
	cmd.Flags().StringVar(&root, "root", "", "file with the root's private key")
	cmd.Flags().StringVar(&document, "document", "", "file with the document to sign")
	cmd.Flags().StringVar(&out, "out", "", "file for the signed document; it must not exist")
	for _, name := range []string{"root", "document", "out"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

func signTrust(root, document string) (trust.Signed, error) {
	text, err := readTrustFile(document)
	if err != nil {
		return trust.Signed{}, err
	}
	d, err := trust.Parse(text)
	if err != nil {
		return trust.Signed{}, fmt.Errorf("%s: %w", document, err)
	}
	key, err := openRootKey(root)
	if err != nil {
		return trust.Signed{}, err
	}
	defer key.Destroy()
	return trust.Sign(d, key)
}
