//go:build !cgo

package cli

import "github.com/spf13/cobra"

// newSigner has what a machine without tokens needs: the root key's, and whoever
// reviews trust documents.
func newSigner() *cobra.Command {
	return group("signer", "Prepare signers", newTrust(), needsCgo("init"))
}

func newTrustExport() *cobra.Command { return needsCgo("export") }
