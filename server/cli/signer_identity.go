//go:build cgo

package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"keyferry/server"
)

func newIdentity() *cobra.Command {
	return group("identity", "Replace the key by which others know this signer", newIdentityRotate())
}

func newIdentityRotate() *cobra.Command {
	var path, out string
	cmd := &cobra.Command{
		Use: "rotate", Short: "Make a further identity key, signed by the one in use", Args: cobra.NoArgs,
		Long: `Make a further identity key on the token of a signer that is a process of its own, have the
one in use sign it, and write the cluster's manifest as it is to be. The signer's id, its
import key and its shares stay as they are.

The signer goes on with the old key until it is started with the new manifest. Give that to
all other signers, to servers and to clients first (docs/operations.md): who has it accepts
both keys. Rotate one signer after the other, each from the manifest of the one before.

This is for keys that have served their time. Who has stolen the old one can sign with it
still: then the signer's place is for another signer.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			c, err := nodeConfig(cmd, path, slog.LevelWarn)
			if err != nil {
				return err
			}
			rotated, err := server.RotateIdentity(cmd.Context(), c)
			if err != nil {
				return err
			}
			state := "was there"
			if rotated.Key.Created {
				state = "made"
			}
			row := record{{"identity key", rotated.Number}, {"label", rotated.Key.Label}, {"state", state}}
			if err := row.print(cmd.ErrOrStderr(), false); err != nil {
				return err
			}
			return publish(rotated.Manifest, out, cmd.OutOrStdout())
		}),
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&out, "out", "-", "file for the cluster's new manifest, which must not exist; - for standard output")
	return cmd
}
