package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"keyferry/server/audit/merkle"
)

func newAudit() *cobra.Command {
	commands := append(localAudit(), newAuditVerify())
	return group("audit", "Read, export and verify the audit record", commands...)
}

// verifyCommand verifies archives offline: it is given nothing but files and keys.
type verifyCommand struct {
	keys    auditKeys
	signers []string
	kept    []string
	keep    string
	json    bool
}

func newAuditVerify() *cobra.Command {
	var v verifyCommand
	cmd := &cobra.Command{
		Use: "verify ARCHIVE", Short: "Verify an exported audit log, offline", Args: cobra.ExactArgs(1),
		Long: `Verify an exported audit log, offline.

Any entry that was edited, removed, moved or inserted is found out. So that the log as a
whole cannot be replaced by another one, signed anew, or by an older state of itself, keep
the checkpoint (--keep) and give it the next time (--kept).

With --signers the signers' own logs are verified too, and every export is shown that the
server's log has and a signer's has not, or the reverse. Export the server's log first.`,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			r, err := v.run(args[0])
			if err != nil {
				return err
			}
			return r.print(cmd.OutOrStdout(), v.json)
		}),
	}
	v.keys.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&v.kept, "kept", nil, "file with a checkpoint that you kept; can be repeated")
	cmd.Flags().StringVar(&v.keep, "keep", "", "file for the checkpoint, to be given as --kept later; it must not exist")
	cmd.Flags().StringArrayVar(&v.signers, "signers", nil, "the exported log of a signer, or a folder of them, to be compared; can be repeated")
	cmd.Flags().BoolVar(&v.json, "json", false, "print the result as JSON")
	cmd.MarkFlagRequired("audit-key")
	return cmd
}

func (v *verifyCommand) run(path string) (record, error) {
	keys, err := v.keys.read()
	if err != nil {
		return nil, err
	}
	kept, err := readKept(v.kept, keys)
	if err != nil {
		return nil, err
	}
	log, found, err := v.compare(path, keys, kept)
	if err != nil {
		return nil, err
	}
	if v.keep != "" {
		if err := writeNew(v.keep, log.signed); err != nil {
			return nil, fmt.Errorf("keeping the checkpoint: %w", err)
		}
	}
	return append(record{
		{"log", log.Origin}, {"entries", log.Size}, {"root", log.Root.String()}, {"continues checkpoints", len(kept[log.Origin])},
	}, found...), nil
}

// readKept returns the checkpoints that were kept, by the names of their logs.
func readKept(paths []string, keys map[string]note.Verifier) (map[string][]merkle.Checkpoint, error) {
	kept := map[string][]merkle.Checkpoint{}
	for _, path := range paths {
		signed, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading a kept checkpoint: %w", err)
		}
		c, err := openKept(signed, keys)
		if err != nil {
			return nil, fmt.Errorf("the kept checkpoint %s: %w", path, err)
		}
		kept[c.Origin] = append(kept[c.Origin], c)
	}
	return kept, nil
}

func openKept(signed []byte, keys map[string]note.Verifier) (merkle.Checkpoint, error) {
	var errs []error
	for _, key := range keys {
		c, err := merkle.Open(signed, key)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return merkle.Checkpoint{}, errors.Join(errs...)
}

// errNoKey says that an archive is of a log whose key is not known.
var errNoKey = errors.New("no --audit-key is of this log")

// verified is an archive's checkpoint, which the archive was found to fit.
type verified struct {
	merkle.Checkpoint
	signed []byte
}

// reader returns what takes the entries of the log with this name, which are not verified
// before the archive is. It may be nil.
type reader func(origin string) (each func(int64, []byte) error, err error)

// verifyArchive verifies an archive with the key of the log that it says it is of, and
// hands each entry on.
func verifyArchive(path string, keys map[string]note.Verifier, kept map[string][]merkle.Checkpoint, each reader) (verified, error) {
	file, err := os.Open(path)
	if err != nil {
		return verified{}, fmt.Errorf("verifying archive: %w", err)
	}
	defer file.Close()
	log, err := verifyFile(file, keys, kept, each)
	if err != nil {
		return verified{}, fmt.Errorf("verifying %s: %w", path, err)
	}
	return log, nil
}

// verifyFile reads the file twice. What it gives is of the second time.
func verifyFile(file io.ReadSeeker, keys map[string]note.Verifier, kept map[string][]merkle.Checkpoint, each reader) (verified, error) {
	signed, origin, err := merkle.CheckpointIn(file)
	if err != nil {
		return verified{}, err
	}
	key := keys[origin]
	if key == nil {
		return verified{}, fmt.Errorf("it says that it is of the log %.100q: %w", origin, errNoKey)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return verified{}, err
	}
	v := merkle.Verifier{Key: key, Kept: kept[origin]}
	if each != nil {
		if v.Each, err = each(origin); err != nil {
			return verified{}, err
		}
	}
	c, err := v.Verify(file)
	if err != nil {
		return verified{}, err
	}
	if again, err := merkle.Open(signed, key); err != nil || again != c {
		return verified{}, fmt.Errorf("%w: it changed while it was read", merkle.ErrEdited)
	}
	return verified{c, signed}, nil
}

// writeNew makes a file durable under a name that was free.
func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
