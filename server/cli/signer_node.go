//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"keyferry/config"
	"keyferry/server"
	"keyferry/shares/locked"
)

// nodeConfig reads the configuration of a signer that is a process of its own.
func nodeConfig(cmd *cobra.Command, path string, level slog.Level) (server.NodeConfig, error) {
	c, err := config.LoadNode(path)
	return server.NodeConfig{Node: c, Log: newLog(cmd.ErrOrStderr(), level)}, err
}

func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "config", "", "the signer's configuration file")
	cmd.MarkFlagRequired("config")
}

func newSignerServe() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run one signer as a process of its own", Args: cobra.NoArgs,
		Long: `Run one signer as a process of its own: it answers the API servers whose keys are pinned,
over mutual TLS, and does what users signed whom its installed trust documents name.

Documents that are installed come into force within a second, or at once on SIGHUP.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			c, err := nodeConfig(cmd, path, slog.LevelInfo)
			if err != nil {
				return err
			}
			return serveNode(cmd.Context(), c)
		}),
	}
	configFlag(cmd, &path)
	return cmd
}

func serveNode(ctx context.Context, c server.NodeConfig) error {
	if err := locked.HideProcess(); err != nil {
		return err
	}
	n, err := server.OpenNode(ctx, c)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	c.Log.Info("serving", "address", n.Addr().String(), "signer", n.ID())
	stop := reloadOnHangup(ctx, n)
	defer stop()
	return errors.Join(n.Run(ctx), n.Close())
}

// reloadOnHangup does what operators expect of SIGHUP, until the returned function is
// called.
func reloadOnHangup(ctx context.Context, n *server.Node) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			n.ReloadTrust(ctx)
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

func newServerPin() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "server-pin", Short: "Print the pin by which signers know an API server", Args: cobra.NoArgs,
		Long: `Print the pin of the key by which signers know an API server, for the member "servers" of
their configurations. The key is made if it is missing.`,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			pin, err := server.AccessPin(path)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), pin)
			return err
		}),
	}
	cmd.Flags().StringVar(&path, "key", "", "the file that the server's configuration names as signerKeyFile")
	cmd.MarkFlagRequired("key")
	return cmd
}
