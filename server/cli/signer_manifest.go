//go:build cgo

package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"keyferry/server"
)

func newSignerManifest() *cobra.Command {
	var path, out string
	cmd := &cobra.Command{
		Use: "manifest", Short: "Print who this signer is, signed by its token", Args: cobra.NoArgs,
		Long: `Print who this signer is: a manifest of the one signer, which its token signs. The
operators give theirs to each other, over a way on which nobody can change them, and
"manifest join" makes the cluster's of them.

The signer's pin, for the server's configuration, goes to standard error. It is the pin of
the first identity key, and stays good when others take its place.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			c, err := nodeConfig(cmd, path, slog.LevelWarn)
			if err != nil {
				return err
			}
			m, err := server.MemberManifest(c)
			if err != nil {
				return err
			}
			pin := server.PinOfMember(m.Members[0])
			if err := (record{{"signer", m.Members[0].ID}, {"public key", pin}}).print(cmd.ErrOrStderr(), false); err != nil {
				return err
			}
			return publish(m, out, cmd.OutOrStdout())
		}),
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&out, "out", "-", "file for the manifest, which must not exist; - for standard output")
	cmd.AddCommand(newManifestJoin(), newManifestCheck())
	return cmd
}
