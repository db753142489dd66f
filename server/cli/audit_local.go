//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/audit/merkle"
	"keyferry/server/audit/receipt"
)

// localAudit is the audit commands that read the server's database.
func localAudit() []*cobra.Command {
	o := new(office)
	commands := []*cobra.Command{newAuditList(o.inLog), newAuditShow(o.inLog), newAuditExport(o), newAuditKeys(o)}
	for _, cmd := range commands {
		o.register(cmd.Flags())
	}
	return commands
}

// logs makes a use of a log the action of a command that says which log.
type logs func(use func(context.Context, merkle.Log) (result, error)) func(*cobra.Command, []string) error

// inLog opens the server's log.
func (o *office) inLog(use func(context.Context, merkle.Log) (result, error)) func(*cobra.Command, []string) error {
	return o.do(func(ctx context.Context, opened *server.Office) (result, error) { return use(ctx, opened.AuditLog) })
}

func newAuditShow(in logs) *cobra.Command {
	var index int64
	var proof bool
	cmd := &cobra.Command{Use: "show", Short: "Show one entry, on request with the proof that it is in the log", Args: cobra.NoArgs}
	cmd.RunE = in(func(ctx context.Context, log merkle.Log) (result, error) { return showEntry(ctx, log, index, proof) })
	cmd.Flags().Int64Var(&index, "index", 0, "the entry's index")
	cmd.Flags().BoolVar(&proof, "receipt", false, "print entry and proof together, as an export's answer has them")
	cmd.MarkFlagRequired("index")
	return cmd
}

// text is a result that is printed as it is.
type text []byte

func (t text) print(out io.Writer, _ bool) error {
	_, err := out.Write(t)
	return err
}

func showEntry(ctx context.Context, log merkle.Log, index int64, withProof bool) (result, error) {
	proof, err := log.ProveInclusion(ctx, index)
	if err != nil {
		return nil, err
	}
	entries, err := log.Store.Entries(ctx, index, 1)
	if err != nil {
		return nil, err
	}
	if len(entries) != 1 || entries[0].Index != index {
		return nil, fmt.Errorf("entry %d: %w", index, merkle.ErrNoEntry)
	}
	if !withProof {
		return text(append(entries[0].Canonical, '\n')), nil
	}
	body, err := json.Marshal(receipt.Receipt{Entry: entries[0].Canonical, Proof: proof}.JSON())
	return text(append(body, '\n')), err
}

func newAuditExport(o *office) *cobra.Command {
	var path, signers string
	cmd := &cobra.Command{
		Use: "export", Short: "Write the whole log to a file, for \"keyferry audit verify\", and print its checkpoint", Args: cobra.NoArgs,
		RunE: o.do(func(ctx context.Context, opened *server.Office) (result, error) {
			signed, err := exportLog(ctx, opened.AuditLog, path)
			if err != nil || signers == "" {
				return text(signed), err
			}
			return text(signed), exportSigners(ctx, opened, signers)
		}),
	}
	cmd.Flags().StringVar(&path, "out", "", "the file; it must not exist")
	cmd.Flags().StringVar(&signers, "signers", "", "folder for the embedded signers' own logs, LABEL.log each; it must not exist")
	cmd.MarkFlagRequired("out")
	return cmd
}

// exportLog leaves the whole archive or nothing.
func exportLog(ctx context.Context, log merkle.Log, path string) (checkpoint []byte, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("exporting the audit log: %w", err)
	}
	signed, err := log.Archive(ctx, file)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("exporting the audit log: %w", err), os.Remove(path))
	}
	return signed, nil
}

// exportSigners comes after the server's log, so that it has all that that one tells.
func exportSigners(ctx context.Context, opened *server.Office, folder string) error {
	logs, err := opened.SignerLogs(ctx)
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("exporting the signers' logs: %w", err)
	}
	for _, log := range logs {
		if _, err := exportLog(ctx, log.Log, filepath.Join(folder, url.PathEscape(log.Label)+".log")); err != nil {
			return fmt.Errorf("signer %q: %w", log.Label, err)
		}
	}
	return nil
}

func newAuditKeys(o *office) *cobra.Command {
	return &cobra.Command{
		Use: "keys", Short: "Print the public keys that auditors verify the logs with", Args: cobra.NoArgs,
		RunE: o.do(printKeys),
	}
}

func printKeys(ctx context.Context, opened *server.Office) (result, error) {
	keys := opened.AuditLog.Signer.VerifierKey() + "\n"
	logs, err := opened.SignerLogs(ctx)
	for _, log := range logs {
		keys += log.Signer.VerifierKey() + "\n"
	}
	return text(keys), err
}
