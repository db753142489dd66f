//go:build cgo

// Package demo shows what Keyferry does, to somebody who has never seen it: a private
// key goes to five HSM tokens and comes home, step by step, and every step is checked.
// Then the same is done for each other supported scheme, and told in short.
//
// All of it is real: the tokens are SoftHSM's, the server is the one of production,
// and the client speaks to it over HTTP. It shows no secrets, only their lengths,
// public keys and hashes.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"keyferry/server/sandbox"
	"keyferry/shares"
)

const introduction = `Keyferry demo: private keys go to five HSM tokens, and come home.

Everything happens on this machine, in a directory that is removed at the end.
No secret is shown: where one matters, you see its length, its public key or a hash.
`

const conclusion = `
All of it held. No private key was ever put together on the server's side: each
signer opened its own share with its own token, and sealed it for the client alone.
`

// Run tells the story on out and returns an error at the first thing that does not
// hold. It leaves no files behind.
func Run(ctx context.Context, out io.Writer, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "keyferry-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	box, err := sandbox.Open(ctx, sandbox.Config{Dir: dir, Listen: "127.0.0.1:0", Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	return box.ServeWhile(ctx, func(ctx context.Context) error {
		return tell(ctx, out, box)
	})
}

func tell(ctx context.Context, out io.Writer, box *sandbox.Sandbox) error {
	c, err := box.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	s := &story{out: out, box: box, client: c}
	s.print(introduction)
	if err := s.tokens(); err != nil {
		return err
	}
	for i, scheme := range shares.Schemes() {
		// The same story again would tire: it is lived through all the same.
		if err := s.journey(ctx, scheme, i == 0); err != nil {
			return fmt.Errorf("%s: %w", scheme, err)
		}
	}
	s.print(conclusion)
	return s.printing
}
