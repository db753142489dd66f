//go:build linux && cgo

package faultp11_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/hsm/fitness"
	"keyferry/hsm/hsmtest"
	"keyferry/server"
)

// threeSigners configures a server with three blank tokens.
func threeSigners(t *testing.T) config.Config {
	t.Helper()
	path := hsmtest.Directory(t)
	dir := t.TempDir()
	module, err := hsm.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	pin := hsmtest.MakePIN(t, hsmtest.PIN)
	text := fmt.Sprintf("deployment: test\nlisten: 127.0.0.1:0\ndatabase: server.db\ntokenKeyFile: token.key\npkcs11: {module: %q}\nsigners:\n", path)
	for n := range 3 {
		label := fmt.Sprintf("signer-%d", n)
		if err := module.CreateToken(label, pin, pin); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("  - {label: %s, pinFile: user.pin, store: %s.db}\n", label, label)
	}
	for name, content := range map[string]string{"user.pin": hsmtest.PIN, "keyferry.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "keyferry.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignersDoNotStartOnAnUnfitToken(t *testing.T) {
	c := threeSigners(t)
	unfit := func(doing string, err error, use fitness.Use, words ...string) {
		t.Helper()
		var why *fitness.UnfitError
		if !errors.As(err, &why) || why.Use != use {
			t.Fatalf("%s: %v", doing, err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: nothing about %q in: %v", doing, word, err)
			}
		}
	}
	plan(t, "C_EncryptInit return=0x70")
	_, err := server.InitSigners(context.Background(), c, "")
	unfit("the key ceremony", err, fitness.Hold, "signer-0", "seal.round-trip", "AES-GCM")
	plan(t)
	if _, err := server.InitSigners(context.Background(), c, ""); err != nil {
		t.Fatal(err)
	}
	plan(t, "C_Sign wrong")
	_, err = server.New(context.Background(), server.Config{Config: c, Log: slog.New(slog.DiscardHandler)})
	unfit("the start", err, fitness.Sign, "signer-0", "sign.ecdsa", "choose a token with ECDSA on P-256")
	plan(t)
	s, err := server.New(context.Background(), server.Config{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
