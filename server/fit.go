//go:build cgo

package server

import (
	"context"
	"fmt"
	"log/slog"

	"keyferry/hsm"
	"keyferry/hsm/fitness"
)

// fit makes sure, before a signer starts, that its token does what a signer needs and has
// its keys. What an operator must know of the token goes to the log.
func fit(ctx context.Context, token *hsm.Token, log *slog.Logger) error {
	found, err := token.SelfTest(ctx)
	if err != nil {
		return err
	}
	if err := found.Require(fitness.Hold, fitness.Sign); err != nil {
		return fmt.Errorf("the signer does not start: %w", err)
	}
	if err := token.Ready(ctx); err != nil {
		return err
	}
	for _, c := range found.Checks {
		if c.Outcome == fitness.Warning {
			log.Warn("the token does not keep a restriction", "token", token.Label(), "check", c.Name, "found", c.Detail, "remedy", c.Remedy)
		}
	}
	return importsAsItCan(found, token, log)
}

// importsAsItCan tells a token that cannot import from one that lost its import key.
func importsAsItCan(found *fitness.Report, token *hsm.Token, log *slog.Logger) error {
	unable := found.Require(fitness.Import)
	if unable == nil && token.ImportPublicKey() == nil {
		return fmt.Errorf("token %q can import and has no import key: %w", token.Label(), hsm.ErrNotInitialised)
	}
	if unable != nil {
		log.Warn("the signer holds and exports shares, and takes in no imports", "token", token.Label(), "reason", unable.Error())
	}
	return nil
}
