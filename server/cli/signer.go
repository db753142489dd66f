//go:build cgo

package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server"
)

func newSigner() *cobra.Command {
	return group("signer", "Prepare signers", newSignerInit(), newTrust())
}

func newSignerInit() *cobra.Command {
	var path, label string
	cmd := &cobra.Command{
		Use: "init", Short: "Make the keys on the signers' tokens", Args: cobra.NoArgs,
		Long: `Make the keys on the signers' tokens, and read back what the tokens made of them. The
tokens exist already, made with their maker's tools. Keys that exist are kept.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path, os.Environ())
			if err != nil {
				return err
			}
			reports, err := server.InitSigners(cmd.Context(), c, label)
			for _, report := range reports {
				printCeremony(cmd.OutOrStdout(), report)
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration file")
	cmd.Flags().StringVar(&label, "signer", "", "label of the one token to prepare; all if not given")
	cmd.MarkFlagRequired("config")
	return cmd
}

func printCeremony(to io.Writer, report hsm.KeyReport) {
	fmt.Fprintf(to, "token %s\n", report.Token)
	for _, key := range report.Keys {
		state := "was there"
		if key.Created {
			state = "made"
		}
		fmt.Fprintf(to, "  %s key: %s (label %s, id %s); read back and cannot leave the token\n", key.Role, state, key.Label, key.ID)
		for _, restriction := range key.NotEnforced {
			fmt.Fprintf(to, "    not enforced by this module: %s\n", restriction)
		}
	}
}
