// Package cli is the commands of the program keyferry.
//
//	export, approve, import, guard, version  need nothing but Go (export.go, approve.go, import.go, guard.go, version.go)
//	audit verify                             neither (audit.go); its other commands do (audit_local.go)
//	dev, demo, serve, signer, admin, doctor  need cgo, for PKCS#11 and SQLite (local_cgo.go)
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
		newExport(), newApprove(), newImport(), newContext(), newRecover(), newGuard(), newAudit(), newVersion())
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
