package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"keyferry/server/audit/compare"
	"keyferry/server/audit/merkle"
)

// errDifferent says that two verified logs tell different stories.
var errDifferent = errors.New("the logs differ")

// maxDifferences bounds how many are shown; all are counted.
const maxDifferences = 20

// compare verifies the archive, and with --signers those of the signers, and compares
// them.
func (v *verifyCommand) compare(path string, keys map[string]note.Verifier, kept map[string][]merkle.Checkpoint) (verified, record, error) {
	if len(v.signers) == 0 {
		log, err := verifyArchive(path, keys, kept, nil)
		return log, nil, err
	}
	c := compare.New()
	log, err := verifyArchive(path, keys, kept, func(origin string) (func(int64, []byte) error, error) {
		if !strings.HasSuffix(origin, "/"+compare.ServerPart) {
			return nil, usage("with --signers, the other archive is the server's; %s is of the log %.100q", path, origin)
		}
		return c.AddServer, nil
	})
	if err != nil {
		return verified{}, nil, err
	}
	archives, err := signerArchives(v.signers)
	if err != nil {
		return verified{}, nil, err
	}
	for _, archive := range archives {
		_, err := verifyArchive(archive, keys, kept, func(origin string) (func(int64, []byte) error, error) {
			id, err := compare.SignerOf(origin)
			if err != nil {
				return nil, err
			}
			return c.AddSigner(id)
		})
		if err != nil {
			return verified{}, nil, err
		}
	}
	if err := told(c.Differences()); err != nil {
		return verified{}, nil, err
	}
	return log, record{{"signers compared", len(archives)}, {"releases newer than the log", c.Newer}}, nil
}

// signerArchives returns the files that were named, and those in folders.
func signerArchives(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("looking for the signers' logs: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, usage("--signers: there is no log in %s", strings.Join(paths, ", "))
	}
	return files, nil
}

func told(differences []compare.Difference) error {
	if len(differences) == 0 {
		return nil
	}
	var list strings.Builder
	for i, d := range differences {
		if i == maxDifferences {
			fmt.Fprintf(&list, "\n  and %d more", len(differences)-i)
			break
		}
		fmt.Fprintf(&list, "\n  signer %s, key %s, user action %s: %s", d.Signer, d.Key, d.Action, d.What)
	}
	return fmt.Errorf("%w in %d places:%s", errDifferent, len(differences), list.String())
}
