package cli

import "github.com/spf13/cobra"

func newSigner() *cobra.Command {
	return group("signer", "Prepare and run signers, each by its own operator", append(localSigner(), newTrust())...)
}
