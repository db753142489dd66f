//go:build !cgo

package cli

import "github.com/spf13/cobra"

// newSigner has what a machine without tokens needs: the root key's, and whoever
// reviews trust documents.
func newSigner() *cobra.Command {
	commands := []*cobra.Command{newTrust(), group("manifest", "Work with signers' manifests", newManifestJoin())}
	for _, name := range []string{"init", "serve", "ingest", "freeze", "thaw", "freezes", "server-pin"} {
		commands = append(commands, needsCgo(name))
	}
	return group("signer", "Prepare signers", commands...)
}

func newTrustExport() *cobra.Command { return needsCgo("export") }
