//go:build !cgo

package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// localCommands stands in for the commands that this build does not have, so that they
// say why.
func localCommands() []*cobra.Command {
	commands := []*cobra.Command{newSigner()}
	for _, name := range []string{"dev", "demo", "serve", "admin", "doctor"} {
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

// localAudit stands in for the commands that read a database.
func localAudit() []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range []string{"list", "show", "export", "keys"} {
		commands = append(commands, needsCgo(name))
	}
	return commands
}
