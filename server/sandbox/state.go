//go:build cgo

package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server"
	"keyferry/shares/locked"
)

// pinSize gives PINs of 32 hex digits.
const pinSize = 16

// ensureState makes the state unless it is there, and returns what the key ceremony
// found if it was held.
func (l layout) ensureState(ctx context.Context, module string) ([]hsm.KeyReport, error) {
	if _, err := os.Stat(l.root()); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	partial := l.partial()
	if err := os.RemoveAll(partial.root()); err != nil {
		return nil, fmt.Errorf("removing what an interrupted start left: %w", err)
	}
	reports, err := partial.makeState(ctx, module)
	if err != nil {
		return nil, fmt.Errorf("making the sandbox: %w", err)
	}
	return reports, os.Rename(partial.root(), l.root())
}

func (l layout) makeState(ctx context.Context, module string) ([]hsm.KeyReport, error) {
	for _, part := range []string{secretsDir, dataDir} {
		if err := os.MkdirAll(l.at(part), 0o700); err != nil {
			return nil, err
		}
	}
	if err := l.makePINs(); err != nil {
		return nil, err
	}
	if err := hsm.PrepareSoftHSM(l.at(tokensDir)); err != nil {
		return nil, err
	}
	if err := l.makeTokens(module); err != nil {
		return nil, err
	}
	if err := os.WriteFile(l.at(settingsFile), []byte(settings(module)), 0o600); err != nil {
		return nil, err
	}
	c, err := config.Load(l.at(settingsFile), nil)
	if err != nil {
		return nil, err
	}
	return server.InitSigners(ctx, c, "")
}

func (l layout) makePINs() error {
	paths := []string{officerPINFile}
	for n := range signers {
		paths = append(paths, pinFile(n+1))
	}
	for _, path := range paths {
		if err := makePIN(l.at(path)); err != nil {
			return fmt.Errorf("making a PIN: %w", err)
		}
	}
	return nil
}

func makePIN(path string) error {
	random, err := locked.New(pinSize)
	if err != nil {
		return err
	}
	defer random.Destroy()
	rand.Read(random.Bytes())
	return writeHex(path, random)
}

// writeHex writes a secret as one line of hex, by way of locked memory.
func writeHex(path string, secret *locked.Buffer) error {
	line, err := locked.New(2*secret.Len() + 1)
	if err != nil {
		return err
	}
	defer line.Destroy()
	hex.Encode(line.Bytes(), secret.Bytes())
	line.Bytes()[2*secret.Len()] = '\n'
	return replaceFile(path, line.Bytes())
}

func (l layout) makeTokens(path string) (err error) {
	module, err := hsm.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, module.Close()) }()
	officer, err := hsm.ReadPIN(l.at(officerPINFile))
	if err != nil {
		return err
	}
	defer officer.Destroy()
	for n := range signers {
		if err := l.makeToken(module, officer, n+1); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) makeToken(module *hsm.Module, officer *hsm.PIN, n int) error {
	user, err := hsm.ReadPIN(l.at(pinFile(n)))
	if err != nil {
		return err
	}
	defer user.Destroy()
	return module.CreateToken(signerLabel(n), officer, user)
}

// settings is a configuration like any other, with a deployment of its own.
func settings(module string) string {
	var random [8]byte
	rand.Read(random[:])
	var b strings.Builder
	fmt.Fprintf(&b, "# Made by keyferry dev. Paths are relative to this file.\n")
	fmt.Fprintf(&b, "deployment: dev-%x\n", random)
	fmt.Fprintf(&b, "listen: 127.0.0.1:0\n")
	fmt.Fprintf(&b, "database: %s\n", databaseFile)
	fmt.Fprintf(&b, "tokenKeyFile: %s\n", tokenKeyFile)
	fmt.Fprintf(&b, "pkcs11:\n  module: %q\n", module)
	fmt.Fprintf(&b, "signers:\n")
	for n := range signers {
		fmt.Fprintf(&b, "  - {label: %s, pinFile: %s, store: %s}\n", signerLabel(n+1), pinFile(n+1), storeFile(n+1))
	}
	return b.String()
}
