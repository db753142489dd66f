// Package cli is the commands of the program keyferry.
//
//	export, approve, import, context, recover   the owner's of a key; they need nothing but Go
//	guard, audit verify, version                the same
//	signer trust, signer manifest join, check   the same, but for signer trust export
//	signer, admin, audit, doctor                operators'; they need cgo, for PKCS#11 and SQLite
//	serve, dev, demo                            the same
//
// A command is in the file of its name: "signer rotate" in signer_rotate.go, those of "signer
// trust" in trust_….go. A build without cgo says why it does not have the others
// (local_nocgo.go).
//
// A command reads flags, calls one use case and prints its result. What it prints on
// standard output is the result; everything else goes to standard error. The exit
// status is 0 if it was done, 1 if it was not, 2 if the command line was not
// understood; doctor has more (failure.go).
package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Main runs the program with the process's arguments and returns its exit status. On
// the first SIGINT or SIGTERM the running command ends in order; a second one ends
// the process.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return report(os.Stderr, newRoot().ExecuteContext(ctx))
}

func newRoot() *cobra.Command {
	root := group("keyferry", "Export threshold keys whose shares are kept wrapped by HSMs",
		newExport(), newApprove(), newImport(), newContext(), newRecover(), newGuard(), newAudit(), newSigner(), newVersion())
	root.Long = root.Short + ".\n\nTo see what it does: keyferry demo. To try it: keyferry dev."
	root.AddCommand(localCommands()...)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SilenceErrors, root.SilenceUsage = true, true
	return root
}

// group is a command that only has commands of its own.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("there is no command %q for %q", args[0], cmd.CommandPath())
		}
		return usage("%q needs a command", cmd.CommandPath())
	}}
	c.AddCommand(commands...)
	return c
}
