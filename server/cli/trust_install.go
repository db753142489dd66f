package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyferry/server/signer/trust"
)

type installation struct {
	dir, root, deployment string
}

func newTrustInstall() *cobra.Command {
	var i installation
	cmd := &cobra.Command{
		Use: "install FILE", Short: "Install a signed document at this signer", Args: cobra.ExactArgs(1),
		Long: `Install a signed document at this signer. It must be signed by the root, made for the
deployment, newer than the installed one, and repeat its revocations. A signer that runs
notices it by itself.`,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			signed, change, err := i.run(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("installing %s: %w", args[0], err)
			}
			return printInstalled(cmd.OutOrStdout(), signed, change)
		}),
	}
	cmd.Flags().StringVar(&i.dir, "trust-dir", "", "the signer's trust directory")
	cmd.Flags().StringVar(&i.root, "root", "", "file with the public key of the organisation's root, PEM")
	cmd.Flags().StringVar(&i.deployment, "deployment", "", "the signer's deployment")
	for _, name := range []string{"trust-dir", "root", "deployment"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (i installation) run(ctx context.Context, path string) (trust.Signed, trust.Change, error) {
	root, err := openRoot(i.root)
	if err != nil {
		return trust.Signed{}, trust.Change{}, err
	}
	file, err := readTrustFile(path)
	if err != nil {
		return trust.Signed{}, trust.Change{}, err
	}
	signed, err := trust.Verify(file, root)
	if err != nil {
		return trust.Signed{}, trust.Change{}, err
	}
	if err := signed.Document().CheckPlace(i.deployment, signed.Document().Org); err != nil {
		return trust.Signed{}, trust.Change{}, err
	}
	directory, err := trust.OpenDirectory(i.dir)
	if err != nil {
		return trust.Signed{}, trust.Change{}, err
	}
	change, err := directory.Install(ctx, signed)
	return signed, change, err
}

func printInstalled(out io.Writer, signed trust.Signed, change trust.Change) error {
	d := signed.Document()
	if change.IsZero() {
		_, err := fmt.Fprintf(out, "serial %d of organisation %s was installed already\n", d.Serial, d.Org)
		return err
	}
	if _, err := fmt.Fprintf(out, "installed serial %d of organisation %s\n", d.Serial, d.Org); err != nil {
		return err
	}
	return printLines(out, change.Lines)
}

func printLines(out io.Writer, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
