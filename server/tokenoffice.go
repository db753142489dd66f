//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server/signer/node"
	"keyferry/server/store"
)

// TokenOffice is what a signer's operator does with the signer's own token and store,
// whether or not the signer runs, and without any server.
type TokenOffice struct {
	Label   string // of the token
	closers closers
	store   *store.Signer
	token   *hsm.Token
	node    *node.Node
}

// EmbeddedSigners describes the signers inside a server's process as their operators see
// them: all, or the one with the given label.
func EmbeddedSigners(c config.Config, only string) ([]config.Node, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Remote() {
		return nil, errors.New("the signers of this server are processes of their own: each operator does this with his own signer's configuration")
	}
	signers, err := chosen(c.Signers, only)
	if err != nil {
		return nil, err
	}
	var nodes []config.Node
	for _, s := range signers {
		nodes = append(nodes, config.Node{
			Deployment: c.Deployment, PKCS11: c.PKCS11, Token: config.Token{Label: s.Label, PINFile: s.PINFile}, Store: s.Store,
		})
	}
	return nodes, nil
}

// OpenTokenOffice opens token and store of one signer. Nothing is left open after an error.
func OpenTokenOffice(ctx context.Context, c NodeConfig) (*TokenOffice, error) {
	c, err := c.withDefaults()
	if err := errors.Join(err, c.ValidateToken()); err != nil {
		return nil, err
	}
	o := &TokenOffice{Label: c.Token.Label}
	if err := o.open(ctx, c); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func (o *TokenOffice) open(ctx context.Context, c NodeConfig) error {
	var err error
	if o.store, err = openNodeStore(ctx, c); err != nil {
		return err
	}
	o.closers.add(o.store.Close)
	var closeToken func() error
	if o.token, closeToken, err = openNodeToken(c.Node, 1, nil); err != nil {
		return err
	}
	o.closers.add(closeToken)
	if err := o.token.Ready(ctx); err != nil {
		return err
	}
	o.node, err = node.New(ctx, node.Config{Deployment: c.Deployment, Token: o.token, Store: o.store, Trust: nobody{}, Now: c.Now})
	return err
}

// Rotate puts a new share-wrapping key in the place of the one in use, or goes on with a
// rotation that was interrupted. The former key stays on the token. Of r it needs who is
// told.
func (o *TokenOffice) Rotate(ctx context.Context, r node.Rotation) (node.WrappingKeys, error) {
	return o.rotating(ctx, r, node.Rotation.Run)
}

// DestroyFormer destroys the key that was in use before, once nothing needs it.
func (o *TokenOffice) DestroyFormer(ctx context.Context, r node.Rotation) (node.WrappingKeys, error) {
	return o.rotating(ctx, r, node.Rotation.DestroyFormer)
}

type rotationStep func(node.Rotation, context.Context) (node.WrappingKeys, error)

func (o *TokenOffice) rotating(ctx context.Context, r node.Rotation, step rotationStep) (keys node.WrappingKeys, err error) {
	release, err := o.store.LockRotation(ctx)
	if err != nil {
		return node.WrappingKeys{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	r.Node, r.Token = o.node, o.token
	return step(r, ctx)
}

// Verify opens every share, checks it against its public share, and releases nothing.
func (o *TokenOffice) Verify(ctx context.Context, s node.Survey) (node.Verification, error) {
	return o.node.VerifyShares(ctx, s)
}

// Disposal is for shares that the token does not open any more.
func (o *TokenOffice) Disposal() node.Disposal { return node.Disposal{Node: o.node, Token: o.token} }

// SignerStatus is how a signer's shares are kept.
type SignerStatus struct {
	Keys         node.WrappingKeys
	OnToken      []hsm.WrappingKey
	Verification node.Verification
}

// Status asks the store and the token.
func (o *TokenOffice) Status(ctx context.Context) (s SignerStatus, err error) {
	if s.Keys, err = o.store.WrappingKeys(ctx); err != nil {
		return s, err
	}
	if s.Verification, err = o.store.LastVerification(ctx); err != nil {
		return s, err
	}
	if s.OnToken, err = o.token.WrappingKeys(ctx); err != nil {
		return s, fmt.Errorf("looking for the share-wrapping keys: %w", err)
	}
	return s, nil
}

// Close gives token and store back.
func (o *TokenOffice) Close() error { return o.closers.close() }
