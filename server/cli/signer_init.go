//go:build cgo

package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server"
)

func newSignerInit() *cobra.Command {
	var path, label string
	cmd := &cobra.Command{
		Use: "init", Short: "Make the keys on the signers' tokens", Args: cobra.NoArgs,
		Long: `Make the keys on the signers' tokens, and read back what the tokens made of them. The
tokens exist already, made with their maker's tools. Keys that exist are kept.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			reports, err := initSigners(cmd, path, label)
			for _, report := range reports {
				printCeremony(cmd.OutOrStdout(), report)
			}
			return err
		}),
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration file, of a signer or of a server with signers in its process")
	cmd.Flags().StringVar(&label, "signer", "", "label of the one token to prepare; all if not given")
	cmd.MarkFlagRequired("config")
	return cmd
}

// initSigners prepares the one token of a signer of its own, or those of a server's.
func initSigners(cmd *cobra.Command, path, label string) ([]hsm.KeyReport, error) {
	alone, err := config.IsNode(path)
	if err != nil {
		return nil, err
	}
	if !alone {
		c, err := config.Load(path, os.Environ())
		if err != nil {
			return nil, err
		}
		return server.InitSigners(cmd.Context(), c, label)
	}
	c, err := nodeConfig(cmd, path, slog.LevelWarn)
	if err != nil {
		return nil, err
	}
	if label != "" && label != c.Token.Label {
		return nil, fmt.Errorf("no signer %q is configured", label)
	}
	report, err := server.InitNode(cmd.Context(), c)
	if err != nil {
		return nil, err
	}
	return []hsm.KeyReport{*report}, nil
}

func printCeremony(to io.Writer, report hsm.KeyReport) {
	fmt.Fprintf(to, "token %s\n", report.Token)
	for _, key := range report.Keys {
		if key.Omitted != "" {
			fmt.Fprintf(to, "  %s key: not made: %s\n", key.Role, key.Omitted)
			continue
		}
		state := "was there"
		if key.Created {
			state = "made"
		}
		fmt.Fprintf(to, "  %s key: %s (label %s, id %s); read back and cannot leave the token\n", key.Role, state, key.Label, key.ID)
		printNotEnforced(to, key)
	}
}

func printNotEnforced(to io.Writer, key hsm.KeyState) {
	for _, restriction := range key.NotEnforced {
		fmt.Fprintf(to, "    not enforced by this module: %s\n", restriction)
	}
}
