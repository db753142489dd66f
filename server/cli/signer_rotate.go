//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyferry/hsm"
	"keyferry/server"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
	"keyferry/server/store"
)

func newRotate() *cobra.Command {
	var at ownTokens
	var destroyOld bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Replace the key that shares are sealed under", Args: cobra.NoArgs,
		Long: `Replace the key that a signer's shares are sealed under: make a new one on the token, seal
every share under it, and read every share back: each is opened and checked against its
public share. Exports and imports go on meanwhile. If it is interrupted, repeat it: it goes
on where it was.

The former key stays on the token. Back up the token, with its maker's tools, and the
signer's store, and then destroy the former key with --destroy-old, which reads every share
back once more. From then on backups of the store that are older than the rotation are
worthless, unless the former key is in a backup of the token.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return at.each(cmd, func(ctx context.Context, o *server.TokenOffice) error {
				return rotate(ctx, o, destroyOld, cmd.OutOrStdout())
			})
		}),
	}
	at.register(cmd)
	cmd.Flags().BoolVar(&destroyOld, "destroy-old", false, "destroy the former key of a rotation that is finished; begin nothing new")
	return cmd
}

func rotate(ctx context.Context, o *server.TokenOffice, destroyOld bool, out io.Writer) error {
	fmt.Fprintf(out, "signer %s\n", o.Label)
	do := o.Rotate
	if destroyOld {
		do = o.DestroyFormer
	}
	keys, err := do(ctx, reportRotation(out))
	if err != nil {
		return explainRotation(err)
	}
	fmt.Fprintf(out, "  all shares are under share-wrapping key v%d\n", keys.Current)
	switch {
	case keys.Stage != node.Settled:
		fmt.Fprintf(out, "  the former key v%d is still on the token: back up the token and the store, then repeat this with --destroy-old\n", keys.Other)
	case destroyOld:
		fmt.Fprintln(out, "  no former key is left")
	}
	return nil
}

// explainRotation says what to do about an error that has a remedy.
func explainRotation(err error) error {
	switch {
	case errors.Is(err, node.ErrDamagedShares):
		return fmt.Errorf("%w: no key was destroyed; bring their rows back from a backup of the store, or give them up (keyferry signer discard), and repeat the command", err)
	case errors.Is(err, node.ErrOtherToken):
		return fmt.Errorf("%w: nothing was changed; bring back the token's backup, or the store's, so that both are from the same side of a rotation", err)
	case errors.Is(err, node.ErrUnfinished):
		return fmt.Errorf("%w: run it without --destroy-old first", err)
	case errors.Is(err, store.ErrRotating), errors.Is(err, node.ErrMoved):
		return fmt.Errorf("%w: wait until it has ended", err)
	}
	return err
}

func reportRotation(out io.Writer) node.Rotation {
	return node.Rotation{
		Made: func(key hsm.KeyState) {
			fmt.Fprintf(out, "  made %s (id %s); read back and cannot leave the token\n", key.Label, key.ID)
			printNotEnforced(out, key)
		},
		Resealed: every(func(done int) { fmt.Fprintf(out, "  %d shares sealed under the new key\n", done) }),
		Survey: node.Survey{
			Damaged:  func(key keyring.KeyID, err error) { printDamaged(out, key, err) },
			Progress: every(func(done int) { fmt.Fprintf(out, "  %d shares read back\n", done) }),
		},
	}
}

func printDamaged(out io.Writer, key keyring.KeyID, err error) {
	fmt.Fprintf(out, "  damaged: share of %s: %v\n", key, err)
}

// every passes on what is worth a line.
func every(tell func(done int)) func(done int) {
	told := 0
	return func(done int) {
		if done/progressEvery > told/progressEvery {
			tell(done)
		}
		told = done
	}
}
