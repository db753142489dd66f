//go:build cgo

package cli

import (
	"github.com/spf13/cobra"

	"keyferry/server"
)

func newBackup(o *office) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "backup", Short: "Copy the server's and the signers' databases, while they are in use", Args: cobra.NoArgs,
		Long: `Copy the SQLite databases of the server and of its signers into a new folder, while they
are in use. The tokens, the keys in files and the configuration are not in it. PostgreSQL
has its own tools. How a backup is brought back is in docs/operations.md.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			c, err := o.load()
			if err != nil {
				return err
			}
			files, err := server.Backup(cmd.Context(), c, out)
			if err != nil {
				return err
			}
			var rows records
			for _, file := range files {
				rows = append(rows, record{{"file", file}})
			}
			return rows.print(cmd.OutOrStdout(), o.json)
		}),
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder; it must not exist")
	cmd.MarkFlagRequired("out")
	return cmd
}
