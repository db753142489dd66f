//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"keyferry/server/demo"
	"keyferry/server/sandbox"
	"keyferry/shares/locked"
)

func newDev() *cobra.Command {
	var c sandbox.Config
	cmd := &cobra.Command{
		Use: "dev", Short: "Serve the API with everything made on the spot, for development", Args: cobra.NoArgs,
		Long: `Serve the API with everything made on the spot: five SoftHSM tokens, databases, an
organisation, an account and a sample key. When it serves, client.env in its directory
has what a client needs. Its state is kept, and reused at the next start.

For development only: the tokens' PINs lie beside them.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			c.Log = newLog(cmd.ErrOrStderr(), slog.LevelInfo)
			return dev(cmd.Context(), c, cmd.OutOrStdout())
		}),
	}
	cmd.Flags().StringVar(&c.Dir, "dir", "keyferry-dev", "directory of the state; made if missing")
	cmd.Flags().StringVar(&c.Listen, "listen", "127.0.0.1:8480", "host:port; port 0 picks a free one")
	cmd.Flags().BoolVar(&c.TLS, "tls", false, "serve https, with a certificate of its own")
	return cmd
}

func dev(ctx context.Context, c sandbox.Config, out io.Writer) error {
	if err := locked.HideProcess(); err != nil {
		return err
	}
	box, err := sandbox.Open(ctx, c)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	err = box.ServeWhile(ctx, func(ctx context.Context) error {
		key, err := box.Publish(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "serving on %s\nclient settings: . %s\nsample key: %s\nend with Ctrl-C or SIGTERM\n", box.URL(), box.ClientEnv(), key)
		<-ctx.Done()
		return nil
	})
	return errors.Join(unlessStopped(ctx, err), box.Close())
}

func newDemo() *cobra.Command {
	var cluster bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Show an import, an export and a recovery, step by step", Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			tell := demo.Run
			if cluster {
				tell = demo.RunCluster
			}
			return tell(cmd.Context(), cmd.OutOrStdout(), newLog(cmd.ErrOrStderr(), slog.LevelError))
		}),
	}
	cmd.Flags().BoolVar(&cluster, "cluster", false, "with an API server and five signers as processes of their own, some of which are killed")
	return cmd
}
