package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/mod/sumdb/note"

	"keyferry/server/audit/compare"
)

// auditKeys is the public keys of logs that an auditor or a key's owner was given by
// another way than the logs.
type auditKeys struct{ given []string }

func (k *auditKeys) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&k.given, "audit-key", nil, "public key of the audit log, as \"keyferry audit keys\" prints it, or a file with one key a line; can be repeated")
}

// read returns the keys by the names of their logs.
func (k *auditKeys) read() (map[string]note.Verifier, error) {
	keys := map[string]note.Verifier{}
	for _, given := range k.given {
		lines, err := keyLines(given)
		if err != nil {
			return nil, fmt.Errorf("reading the audit log's key: %w", err)
		}
		for _, line := range lines {
			key, err := note.NewVerifier(line)
			if err != nil {
				return nil, usage("--audit-key: %.200q is neither a log's public key nor a file of them", line)
			}
			if keys[key.Name()] != nil {
				return nil, usage("--audit-key: the log %q is given two keys", key.Name())
			}
			keys[key.Name()] = key
		}
	}
	return keys, nil
}

// keyLines returns the lines of a file, or what was given, which then is a key.
func keyLines(given string) ([]string, error) {
	text, err := os.ReadFile(given)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{given}, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text)), nil
}

// server returns the key of a server's log, or nil if no key was given.
func (k *auditKeys) server() (note.Verifier, error) {
	keys, err := k.read()
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	var found note.Verifier
	for name, key := range keys {
		if !strings.HasSuffix(name, "/"+compare.ServerPart) {
			continue
		}
		if found != nil {
			return nil, usage("--audit-key: these are the keys of two servers' logs")
		}
		found = key
	}
	if found == nil {
		return nil, usage("--audit-key: no key is of a server's log")
	}
	return found, nil
}
