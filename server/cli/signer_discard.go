//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyferry/server"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// discarding is what the command line says of a share that is to be given up.
type discarding struct {
	at          ownTokens
	key, reason string
	yes         bool
}

func newDiscard() *cobra.Command {
	var d discarding
	cmd := &cobra.Command{
		Use: "discard", Short: "Give up a share that the token does not open any more", Args: cobra.NoArgs,
		Long: `Give up a share that the signer's token does not open any more, so that a rotation can come
to its end. The share is opened first, several times: one that is sound stays, whatever is
asked for, and so does every share while the token is in trouble, or opens no share at all.

Without --yes it tells what is wrong with the share, and changes nothing. If there is a backup
of the store, bring the row back from it instead: what is discarded is gone for ever here.
Exports of the key go on by the other signers, as long as minSigners of them are left.

It works beside the running signer. The reason, what was wrong and the key go on record in the
signer's own audit log.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return d.at.one(cmd, func(ctx context.Context, o *server.TokenOffice) error {
				return d.run(ctx, o, cmd.OutOrStdout())
			})
		}),
	}
	d.at.register(cmd)
	cmd.Flags().Lookup("signer").Usage = "label of the token, where the configuration has several"
	cmd.Flags().StringVar(&d.key, "key", "", "the key whose share is damaged, as keyferry signer verify lists it")
	cmd.Flags().StringVar(&d.reason, "reason", "", "why, for the record")
	cmd.Flags().BoolVar(&d.yes, "yes", false, "discard it, for ever")
	cmd.MarkFlagRequired("key")
	cmd.MarkFlagsRequiredTogether("reason", "yes")
	return cmd
}

func (d *discarding) run(ctx context.Context, o *server.TokenOffice, out io.Writer) error {
	fmt.Fprintf(out, "signer %s\n", o.Label)
	disposal, key := o.Disposal(), keyring.KeyID(d.key)
	var damage node.Damage
	var err error
	if d.yes {
		damage, err = disposal.Discard(ctx, key, d.reason)
	} else {
		damage, err = disposal.Examine(ctx, key)
	}
	if errors.Is(err, node.ErrNoShare) {
		return d.tellDiscarded(ctx, disposal, out)
	}
	if err != nil {
		return explainDisposal(err)
	}
	printDamaged(out, key, damage.Cause)
	fmt.Fprintf(out, "  the key is of organisation %s\n", damage.Org)
	if d.yes {
		fmt.Fprintln(out, "  discarded; exports of the key go on by the other signers, and a rotation that waited for it can be repeated")
	} else {
		fmt.Fprintln(out, "  nothing was changed: bring its row back from a backup of the store, or repeat this with --reason and --yes to discard it for ever")
	}
	return nil
}

// tellDiscarded lets the command be repeated.
func (d *discarding) tellDiscarded(ctx context.Context, disposal node.Disposal, out io.Writer) error {
	discarded, err := disposal.Discarded(ctx, keyring.KeyID(d.key))
	if errors.Is(err, node.ErrNoShare) {
		return fmt.Errorf("the signer has no share of %q", d.key)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "  share of %s: discarded since %s: %s\n", d.key, date(discarded.Since), discarded.Reason)
	return err
}

// explainDisposal says what to do in place of discarding.
func explainDisposal(err error) error {
	switch {
	case errors.Is(err, node.ErrSound):
		return fmt.Errorf("%w: it was not discarded; to stop its exports, freeze the key (keyferry signer freeze)", err)
	case errors.Is(err, node.ErrMisnamed):
		return fmt.Errorf("%w: put that number into column wrapping_key of its row, in the signer's store", err)
	case errors.Is(err, node.ErrNothingOpens):
		return fmt.Errorf("%w: nothing was discarded, since it is the token that has other keys; bring back its backup", err)
	case errors.Is(err, node.ErrOtherToken):
		return fmt.Errorf("%w: nothing was discarded; bring back the token's backup, or the store's, so that both are from the same side of a rotation", err)
	case errors.Is(err, node.ErrChanged):
		return fmt.Errorf("%w: nothing was discarded; repeat the command", err)
	}
	return err
}
