//go:build cgo

package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"keyferry/config"
	"keyferry/server"
	"keyferry/shares/locked"
)

// localCommands is the commands that work with tokens and databases.
func localCommands() []*cobra.Command {
	return []*cobra.Command{newDev(), newDemo(), newServe(), newAdmin(), newDoctor()}
}

// localSigner is the commands of a signer's operator.
func localSigner() []*cobra.Command {
	return []*cobra.Command{
		newSignerInit(), newSignerServe(), newSignerManifest(), newIngest(), newRotate(), newVerifyShares(), newDiscard(), newSignerStatus(),
		newFreeze(), newThaw(), newFreezes(), newSignerAudit(), newIdentity(), newServerPin(),
	}
}

func newLog(to io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level}))
}

func newServe() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the API, with signers in this process or elsewhere", Args: cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), path, newLog(cmd.ErrOrStderr(), slog.LevelInfo))
		}),
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration file (KEYFERRY_ variables win over it)")
	cmd.MarkFlagRequired("config")
	return cmd
}

func serve(ctx context.Context, path string, log *slog.Logger) error {
	c, err := config.Load(path, os.Environ())
	if err != nil {
		return err
	}
	if err := locked.HideProcess(); err != nil {
		return err
	}
	s, err := server.New(ctx, server.Config{Config: c, Log: log})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	log.Info("serving", "address", s.Addr().String(), "tls", c.TLS.Enabled())
	return errors.Join(s.Run(ctx), s.Close())
}

// unlessStopped passes over the error of a start that was ended by a signal: a server
// that is stopped before it serves has ended in order too.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
