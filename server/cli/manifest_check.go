package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newManifestCheck() *cobra.Command {
	var earlier string
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Check that a manifest is of the same cluster as an earlier one", Args: cobra.ExactArgs(1),
		Long: `Check that a manifest is of the same cluster as an earlier one, which is trusted already: it
has the same signers with the same import keys, and each identity key that is new is signed
by the one before it. Then the new file may take the place of the earlier one, whichever way
it came.`,
		RunE: action(func(cmd *cobra.Command, args []string) error { return checkManifest(cmd, earlier, args[0]) }),
	}
	cmd.Flags().StringVar(&earlier, "pinned", "", "the earlier manifest")
	cmd.MarkFlagRequired("pinned")
	return cmd
}

func checkManifest(cmd *cobra.Command, earlier, path string) error {
	pinned, err := joinManifests([]string{earlier})
	if err != nil {
		return err
	}
	next, err := joinManifests([]string{path})
	if err != nil {
		return err
	}
	if err := next.Succeeds(pinned); err != nil {
		return fmt.Errorf("%s must not take the place of %s: %w", path, earlier, err)
	}
	var rows records
	for _, member := range next.Members {
		known, _ := pinned.Member(member.ID)
		rows = append(rows, record{{"signer", member.ID}, {"identity keys", len(member.Identities)}, {"new", len(member.Identities) - len(known.Identities)}})
	}
	return rows.print(cmd.OutOrStdout(), false)
}
