//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"keyferry/config"
	"keyferry/server"
	"keyferry/shares/locked"
)

// ownTokens is which signers' tokens and stores a command works at: that of a signer of its
// own, or those of a server's embedded signers.
type ownTokens struct{ config, label string }

func (o *ownTokens) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.config, "config", "", "configuration file, of a signer or of a server with signers in its process")
	cmd.Flags().StringVar(&o.label, "signer", "", "label of the one token to work at; all if not given")
	cmd.MarkFlagRequired("config")
}

// one does something at the one signer that is meant.
func (o *ownTokens) one(cmd *cobra.Command, do func(context.Context, *server.TokenOffice) error) error {
	signers, err := o.signers()
	if err != nil {
		return err
	}
	if len(signers) != 1 {
		return usage("there are %d signers: name one with --signer", len(signers))
	}
	return o.each(cmd, do)
}

// each does something at one signer after another. It goes on after an error that ends the
// work at one signer only.
func (o *ownTokens) each(cmd *cobra.Command, do func(context.Context, *server.TokenOffice) error) error {
	if err := locked.HideProcess(); err != nil {
		return err
	}
	signers, err := o.signers()
	if err != nil {
		return err
	}
	log := newLog(cmd.ErrOrStderr(), slog.LevelWarn)
	var errs []error
	for _, one := range signers {
		if err := atToken(cmd.Context(), server.NodeConfig{Node: one, Log: log}, do); err != nil {
			errs = append(errs, fmt.Errorf("signer %s: %w", one.Token.Label, err))
		}
		if cmd.Context().Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (o *ownTokens) signers() ([]config.Node, error) {
	alone, err := config.IsNode(o.config)
	if err != nil {
		return nil, err
	}
	if !alone {
		c, err := config.Load(o.config, os.Environ())
		if err != nil {
			return nil, err
		}
		return server.EmbeddedSigners(c, o.label)
	}
	c, err := config.LoadNode(o.config)
	if err == nil && o.label != "" && o.label != c.Token.Label {
		err = fmt.Errorf("no signer %q is configured", o.label)
	}
	return []config.Node{c}, err
}

func atToken(ctx context.Context, c server.NodeConfig, do func(context.Context, *server.TokenOffice) error) error {
	office, err := server.OpenTokenOffice(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, office), office.Close())
}
