//go:build cgo

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/audit/merkle"
)

// nodeLog is the own audit log of a signer that is a process of its own.
type nodeLog struct {
	config string
	json   bool
}

func newSignerAudit() *cobra.Command {
	l := new(nodeLog)
	cmd := group("audit", "Read and export this signer's own audit log",
		newAuditList(l.in), newAuditShow(l.in), newSignerAuditExport(l), newSignerAuditKey(l))
	cmd.Long = cmd.Short + `, whether or not the signer runs.

What a signer did is on record at the signer. The log is exported for "keyferry audit verify
--signers", which finds what the server's log and the signers' say differently, and is signed
with a key of the signer's own.`
	cmd.PersistentFlags().StringVar(&l.config, "config", "", "the signer's configuration file")
	cmd.PersistentFlags().BoolVar(&l.json, "json", false, "print the result as JSON")
	cmd.MarkPersistentFlagRequired("config")
	return cmd
}

// in opens the log.
func (l *nodeLog) in(use func(context.Context, merkle.Log) (result, error)) func(*cobra.Command, []string) error {
	return action(func(cmd *cobra.Command, _ []string) error {
		return atNodeAs(cmd, l.config, l.json, func(ctx context.Context, o *server.NodeOffice) (result, error) {
			log, err := o.AuditLog(ctx)
			if err != nil {
				return nil, err
			}
			return use(ctx, log)
		})
	})
}

func newSignerAuditExport(l *nodeLog) *cobra.Command {
	var path string
	cmd := &cobra.Command{Use: "export", Short: "Write the whole log to a file, for \"keyferry audit verify\", and print its checkpoint", Args: cobra.NoArgs}
	cmd.RunE = l.in(func(ctx context.Context, log merkle.Log) (result, error) {
		signed, err := exportLog(ctx, log, path)
		return text(signed), err
	})
	cmd.Flags().StringVar(&path, "out", "", "the file; it must not exist")
	cmd.MarkFlagRequired("out")
	return cmd
}

func newSignerAuditKey(l *nodeLog) *cobra.Command {
	return &cobra.Command{
		Use: "keys", Short: "Print the public key that auditors verify the log with", Args: cobra.NoArgs,
		RunE: l.in(func(_ context.Context, log merkle.Log) (result, error) {
			return text(log.Signer.VerifierKey() + "\n"), nil
		}),
	}
}
