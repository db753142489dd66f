//go:build !cgo

package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// localCommands stands in for the commands that this build does not have, so that they
// say why.
func localCommands() []*cobra.Command {
	return needCgo("dev", "demo", "serve", "admin", "doctor")
}

// localSigner stands in for the commands of a signer's operator, and has what anybody may
// do with manifests.
func localSigner() []*cobra.Command {
	manifests := group("manifest", "Work with signers' manifests", newManifestJoin(), newManifestCheck())
	return append(needCgo("init", "serve", "ingest", "rotate", "verify", "discard", "status", "freeze", "thaw", "freezes", "audit", "identity", "server-pin"), manifests)
}

// localAudit stands in for the commands that read a database.
func localAudit() []*cobra.Command { return needCgo("list", "show", "export", "keys") }

func newTrustExport() *cobra.Command { return needsCgo("export") }

func needCgo(names ...string) (commands []*cobra.Command) {
	for _, name := range names {
		commands = append(commands, needsCgo(name))
	}
	return commands
}

func needsCgo(name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, DisableFlagParsing: true,
		RunE: action(func(*cobra.Command, []string) error {
			return errors.New("this is a client's build without cgo, which " + name + " needs: build with CGO_ENABLED=1 and a C compiler")
		}),
	}
}
