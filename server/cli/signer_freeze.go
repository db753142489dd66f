//go:build cgo

package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// scope is what is to be frozen or thawed, as flags say it.
type scope struct {
	all      bool
	org, key string
}

func (s *scope) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.all, "all", false, "everything that the signer does")
	cmd.Flags().StringVar(&s.org, "organisation", "", "one organisation and its keys")
	cmd.Flags().StringVar(&s.key, "key", "", "one key")
	cmd.MarkFlagsOneRequired("all", "organisation", "key")
	cmd.MarkFlagsMutuallyExclusive("all", "organisation", "key")
}

func (s *scope) parse() (node.Scope, error) {
	switch {
	case s.all:
		return node.Everything(), nil
	case s.org != "":
		return node.ParseScope(node.Organisation(identity.OrgID(s.org)).String())
	}
	return node.ParseScope(node.Key(keyring.KeyID(s.key)).String())
}

func newFreeze() *cobra.Command {
	return freezing("freeze", "Stop everything, an organisation or a key at this signer", "frozen",
		`Stop everything, an organisation or a key at this signer, whatever users sign and servers
ask for. It works on the signer's own store, whether or not the signer runs, holds from
the next question on, and stays until it is thawed.

Exports go on while enough other signers do their part: freeze at as many signers that
fewer than the key's minSigners are left.`,
		(*server.NodeOffice).Freeze)
}

func newThaw() *cobra.Command {
	return freezing("thaw", "Undo a freeze of the very same scope", "thawed",
		`Undo a freeze of the very same scope: a key stays frozen while its organisation is.`, (*server.NodeOffice).Thaw)
}

func freezing(name, short, done, long string, use func(*server.NodeOffice, context.Context, node.Scope) error) *cobra.Command {
	var path string
	var flags scope
	cmd := &cobra.Command{Use: name, Short: short, Long: long, Args: cobra.NoArgs, RunE: action(func(cmd *cobra.Command, _ []string) error {
		s, err := flags.parse()
		if err != nil {
			return err
		}
		return atNode(cmd, path, func(ctx context.Context, o *server.NodeOffice) (result, error) {
			return record{{done, s}}, use(o, ctx, s)
		})
	})}
	configFlag(cmd, &path)
	flags.register(cmd)
	return cmd
}

func newFreezes() *cobra.Command {
	var path string
	cmd := &cobra.Command{Use: "freezes", Short: "List what is frozen at this signer", Args: cobra.NoArgs, RunE: action(func(cmd *cobra.Command, _ []string) error {
		return atNode(cmd, path, func(ctx context.Context, o *server.NodeOffice) (result, error) {
			freezes, err := o.Freezes(ctx)
			var list records
			for _, f := range freezes {
				list = append(list, record{{"frozen", f.Scope}, {"since", date(f.Since)}})
			}
			return list, err
		})
	})}
	configFlag(cmd, &path)
	return cmd
}

// atNode opens a signer's store for one use case and prints its result.
func atNode(cmd *cobra.Command, path string, use func(context.Context, *server.NodeOffice) (result, error)) error {
	return atNodeAs(cmd, path, false, use)
}

func atNodeAs(cmd *cobra.Command, path string, asJSON bool, use func(context.Context, *server.NodeOffice) (result, error)) error {
	c, err := nodeConfig(cmd, path, slog.LevelWarn)
	if err != nil {
		return err
	}
	office, err := server.OpenNodeOffice(cmd.Context(), c)
	if err != nil {
		return err
	}
	r, err := use(cmd.Context(), office)
	if err := errors.Join(err, office.Close()); err != nil {
		return err
	}
	return r.print(cmd.OutOrStdout(), asJSON)
}
