//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/hsm/fitness"
)

// InitSigners holds the key ceremony on the tokens of the configured signers, or only
// on the one with the given label. The tokens exist already. Keys that are there are
// kept; what was done before an error stays done, and holding it again goes on from
// there. A directory whose server runs is refused with [ErrRunning].
func InitSigners(ctx context.Context, c config.Config, only string) (reports []hsm.KeyReport, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Remote() {
		return nil, errors.New("the signers of this server are processes of their own: each operator prepares his own, with its configuration")
	}
	signers, err := chosen(c.Signers, only)
	if err != nil {
		return nil, err
	}
	lock, err := lockState(c)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	module, err := openModule(c.PKCS11)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, module.Close()) }()
	for _, signer := range signers {
		report, err := initSigner(ctx, module, signer)
		if err != nil {
			return reports, fmt.Errorf("signer %q: %w", signer.Label, err)
		}
		reports = append(reports, *report)
	}
	return reports, nil
}

func chosen(signers []config.Signer, only string) ([]config.Signer, error) {
	if only == "" {
		return signers, nil
	}
	i := slices.IndexFunc(signers, func(s config.Signer) bool { return s.Label == only })
	if i < 0 {
		return nil, fmt.Errorf("no signer %q is configured", only)
	}
	return signers[i : i+1], nil
}

func initSigner(ctx context.Context, module *hsm.Module, c config.Signer) (report *hsm.KeyReport, err error) {
	token, err := openToken(module, c, 1, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	found, err := token.SelfTest(ctx)
	if err != nil {
		return nil, err
	}
	if err := found.Require(fitness.Hold, fitness.Sign); err != nil {
		return nil, err
	}
	return token.Init(ctx)
}
