package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyferry/server/client"
	"keyferry/shares"
	"keyferry/shares/recovery"
)

type exportCommand struct {
	connection  connection
	destination destination
	receipts    receipts
	publicKey   string
	contextFile string
	strict      bool
}

func newExport() *cobra.Command {
	var e exportCommand
	cmd := &cobra.Command{
		Use: "export KEYID", Short: "Export a key and recover its private key on this machine", Args: cobra.ExactArgs(1),
		Long: `Export a key and recover its private key on this machine.

The shares come sealed to a one-time key that exists only in this process. The private
key is written as 64 hex digits, big-endian. For ed25519 it is the scalar, which no
wallet takes as a seed.

A key is marked as exported for ever, even if the recovery fails.

Where exports need the approval of another user, make the one-time key before, with
"keyferry context new", have its request approved ("keyferry approve"), and export with
--context. Remove the context's file when it is done.`,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return e.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	e.connection.register(cmd.Flags())
	e.destination.register(cmd.Flags())
	e.receipts.register(cmd.Flags())
	cmd.Flags().StringVar(&e.publicKey, "public-key", "", "the public key that the result must have, hex; without it, the server is believed")
	cmd.Flags().StringVar(&e.contextFile, "context", "", "a context that \"keyferry context new\" made, in place of a fresh one")
	cmd.Flags().BoolVar(&e.strict, "strict", false, "give up at the first bad share in place of doing without it")
	return cmd
}

func (e *exportCommand) run(ctx context.Context, id string, stdout, stderr io.Writer) error {
	if err := checkPin(e.publicKey); err != nil {
		return err
	}
	c, err := e.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	out, err := e.destination.open(stdout)
	if err != nil {
		return err
	}
	if err := e.export(ctx, c, id, out, stderr); err != nil {
		out.discard()
		return err
	}
	return out.finish()
}

func (e *exportCommand) export(ctx context.Context, c *client.Client, id string, out, stderr io.Writer) error {
	home, err := e.home()
	if err != nil {
		return err
	}
	defer home.Destroy()
	response, err := c.Export(ctx, id, home)
	if err != nil {
		return err
	}
	if err := e.receipts.check(stderr, response, home.Request(), id); err != nil {
		return err
	}
	options := recovery.Options{Strict: e.strict}
	if e.publicKey != "" {
		if options.PublicKey, err = client.ParsePublicKey(response.Scheme.Curve(), e.publicKey); err != nil {
			return fmt.Errorf("%w: the answer is for a key on %s", recovery.ErrPinned, response.Scheme.Curve())
		}
	}
	recovered, err := home.Recover(response, options)
	if err != nil {
		return err
	}
	defer recovered.Destroy()
	if err := writeKey(out, recovered.Secret); err != nil {
		return fmt.Errorf("writing the private key: %w", err)
	}
	e.tell(stderr, id, recovered)
	return nil
}

// home is where the shares are sealed to.
func (e *exportCommand) home() (*recovery.Context, error) {
	if e.contextFile != "" {
		return openContext(e.contextFile)
	}
	return recovery.New()
}

// tell says what came out, without the secret.
func (e *exportCommand) tell(to io.Writer, id string, r *recovery.Recovered) {
	fmt.Fprintf(to, "key %s (%s) is recovered\npublic key %s\n", id, r.Scheme, r.PublicKey)
	if e.publicKey == "" {
		fmt.Fprintln(to, "This is the public key that the server names. Compare it with the one you know, or give --public-key.")
	}
	for _, bad := range r.Bad {
		fmt.Fprintf(to, "warning: done without a bad share: %v\n", bad)
	}
	for _, signer := range r.Doubtful {
		fmt.Fprintf(to, "warning: signer %q or another one gave a bad share; the key is right all the same\n", signer)
	}
}

// checkPin refuses, before anything is exported, a pin that fits no key.
func checkPin(text string) error {
	if text == "" {
		return nil
	}
	for _, scheme := range shares.Schemes() {
		if _, err := client.ParsePublicKey(scheme.Curve(), text); err == nil {
			return nil
		}
	}
	return usage("--public-key: %q is not a public key in hex, compressed, on a supported curve", text)
}
