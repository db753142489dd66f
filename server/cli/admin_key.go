//go:build cgo

package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
	"keyferry/server/signer"
)

// maxReceiptLine is more than the public shares of 255 signers need.
const maxReceiptLine = 64 << 10

func newKey(o *office) *cobra.Command {
	return group("key", "Keys that signers' operators brought", adoptKeys(o))
}

func adoptKeys(o *office) *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use: "adopt FILE...", Short: "Take over keys whose shares all signers have ingested", Args: cobra.MinimumNArgs(1),
		Long: `Take over keys of an organisation, given the receipts of all signers of the cluster, which
keyferry signer ingest wrote. Nothing is changed unless every receipt is good and none is
missing. The running server has the signers commit the keys within a minute; from then on
they can be exported. It can be repeated.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			return o.do(func(ctx context.Context, office *server.Office) (result, error) {
				receipts, err := readReceipts(files)
				if err != nil {
					return nil, err
				}
				adopted, known, err := office.AdoptKeys(ctx, identity.OrgID(org), receipts)
				return record{{"organisation", org}, {"adopted", adopted}, {"known", known}}, err
			})(cmd, files)
		},
	}
	cmd.Flags().StringVar(&org, "organisation", "", flagTexts()["org"])
	cmd.MarkFlagRequired("organisation")
	return cmd
}

func readReceipts(files []string) ([]signer.Ingested, error) {
	var all []signer.Ingested
	for _, path := range files {
		receipts, err := readReceiptFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, receipts...)
	}
	return all, nil
}

func readReceiptFile(path string) ([]signer.Ingested, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxReceiptLine)
	var receipts []signer.Ingested
	for lines.Scan() {
		receipt, err := signer.ParseIngested(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(receipts)+1, err)
		}
		receipts = append(receipts, receipt)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return receipts, nil
}
