package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyferry/shares"
	"keyferry/shares/dealer"
	"keyferry/shares/locked"
)

type importCommand struct {
	connection      connection
	keyFile         string
	protocol, curve string
	minSigners      int
	name            string
	seed            bool
	json            bool
}

func newImport() *cobra.Command {
	var i importCommand
	cmd := &cobra.Command{
		Use: "import", Short: "Split a private key and import its shares", Args: cobra.NoArgs,
		Long: `Split a private key on this machine and import its shares, one for each signer.

The key is read as 64 hex digits, big-endian, into locked memory. It stays where it was
read from: removing it there is up to you.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return i.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		}),
	}
	i.connection.register(cmd.Flags())
	flags := cmd.Flags()
	flags.StringVar(&i.keyFile, "key-file", "", "file with the private key in hex; - for standard input")
	flags.StringVar(&i.protocol, "protocol", "", "CGGMP21, FROST or FROST_BITCOIN")
	flags.StringVar(&i.curve, "curve", "", "secp256k1, stark or ed25519")
	flags.IntVar(&i.minSigners, "min-signers", 3, "how many signers can give the key")
	flags.StringVar(&i.name, "name", "", "the key's name")
	flags.BoolVar(&i.seed, "ed25519-seed", false, "the file holds an RFC 8032 seed, as wallets have it, in place of a scalar")
	flags.BoolVar(&i.json, "json", false, "print the result as JSON")
	for _, name := range []string{"key-file", "protocol", "curve"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (i *importCommand) run(ctx context.Context, in io.Reader, out io.Writer) error {
	scheme, err := shares.ParseScheme(i.protocol, i.curve)
	if err != nil {
		return usage("--protocol %s --curve %s: %w", i.protocol, i.curve, err)
	}
	if i.seed && scheme.Curve() != shares.Ed25519 {
		return usage("--ed25519-seed goes with --curve ed25519")
	}
	c, err := i.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	secret, err := i.readSecret(scheme.Curve(), in)
	if err != nil {
		return err
	}
	defer secret.Destroy()
	signers, err := c.Signers(ctx)
	if err != nil {
		return err
	}
	key, err := c.Import(ctx, dealer.Plan{Scheme: scheme, MinSigners: i.minSigners, Signers: signers, Name: i.name}, secret)
	if err != nil {
		return err
	}
	return record{{"id", key.ID}, {"scheme", key.Scheme}, {"curve", key.Curve}, {"publicKey", key.PublicKey}}.print(out, i.json)
}

func (i *importCommand) readSecret(curve shares.Curve, in io.Reader) (*locked.Buffer, error) {
	key, err := readKey(i.keyFile, in)
	if err != nil {
		return nil, err
	}
	if !i.seed {
		if err := curve.CheckScalar(key.Bytes()); err != nil {
			key.Destroy()
			return nil, fmt.Errorf("the private key: %w", err)
		}
		return key, nil
	}
	defer key.Destroy()
	return dealer.ScalarFromEd25519Seed(key)
}
