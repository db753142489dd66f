//go:build cgo

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
	"keyferry/shares/locked"
)

// progressEvery is after how many shares a line says how far it got.
const progressEvery = 100

func newIngest() *cobra.Command {
	var path, org, receipts, format string
	var withoutChainCodes bool
	cmd := &cobra.Command{
		Use: "ingest FILE", Short: "Bring this signer its shares of keys that another cluster has", Args: cobra.ExactArgs(1),
		Long: `Bring this signer its own shares of keys that a running cluster has, from a file of JSON
lines (- for standard input; the form is in docs/operations.md). Each share is checked and
sealed in the token, and the signer's receipt for it is written, for the server's operator
and keyferry admin key adopt. Nothing can be exported before that.

The native formats are the key shares that the open libraries write with serde_json, one on
a line: cggmp21 is of cggmp21 and cggmp24, of a core share or of a whole key share, whose
auxiliary part is passed over; givre is of its core shares, and files those on secp256k1 as
FROST_BITCOIN.

It works whether or not the signer runs. If it is interrupted, repeat it: shares that are
there are passed over. Destroy FILE when all signers have committed the keys.`,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			i := server.Ingest{Organisation: identity.OrgID(org), Format: server.IngestFormat(format), WithoutChainCodes: withoutChainCodes}
			return ingest(cmd, path, receipts, i, args[0])
		}),
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&org, "organisation", "", "the organisation whose keys they are")
	cmd.Flags().StringVar(&receipts, "receipts", "", "file for the receipts; it is replaced at the end")
	cmd.Flags().StringVar(&format, "format", string(server.PlainShares), "form of the lines: plain, cggmp21 or givre")
	cmd.Flags().BoolVar(&withoutChainCodes, "without-chain-codes", false, "take in native shares that have chain codes, which are not kept")
	cmd.MarkFlagRequired("organisation")
	cmd.MarkFlagRequired("receipts")
	return cmd
}

func ingest(cmd *cobra.Command, path, receipts string, i server.Ingest, from string) error {
	if err := locked.HideProcess(); err != nil {
		return err
	}
	c, err := nodeConfig(cmd, path, slog.LevelWarn)
	if err != nil {
		return err
	}
	input, err := openInput(cmd, from)
	if err != nil {
		return err
	}
	defer input.Close()
	i.Shares, i.Progress = input, reportIngest(cmd.ErrOrStderr())
	return replaceFile(receipts, func(out io.Writer) error {
		i.Receipts = out
		progress, err := server.IngestShares(cmd.Context(), c, i)
		fmt.Fprintf(cmd.ErrOrStderr(), "%d shares are in, %d of them were there already\n", progress.Done, progress.Done-progress.New)
		return err
	})
}

func openInput(cmd *cobra.Command, from string) (io.ReadCloser, error) {
	if from == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	return os.Open(from)
}

func reportIngest(to io.Writer) func(server.IngestProgress) {
	return func(p server.IngestProgress) {
		if p.Done%progressEvery == 0 {
			fmt.Fprintf(to, "%d shares so far\n", p.Done)
		}
	}
}

// replaceFile writes a file that is there as a whole or as it was.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	err = errors.Join(write(out), out.Flush(), file.Sync(), file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}
