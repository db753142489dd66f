//go:build cgo

package server

import (
	"context"
	"fmt"

	"keyferry/config"
	"keyferry/hsm"
	"keyferry/server/signer"
	"keyferry/server/signer/node"
	"keyferry/server/store"
	"keyferry/server/useraction"
)

// openSigners opens the embedded signers: module, then for each its token, its store
// and the node that they make up.
func (s *Server) openSigners(ctx context.Context) ([]signer.Signer, error) {
	module, err := hsm.Open(s.config.PKCS11.Module)
	if err != nil {
		return nil, err
	}
	s.closers.add(module.Close)
	nodes := make([]*node.Node, 0, len(s.config.Signers))
	for _, c := range s.config.Signers {
		one, err := s.openNode(ctx, module, c)
		if err != nil {
			return nil, fmt.Errorf("signer %q: %w", c.Label, err)
		}
		nodes = append(nodes, one)
	}
	s.config.Log.Warn("the signers are embedded: what is stored is protected, but nothing is protected against this server process itself",
		"signers", len(nodes))
	return join(nodes)
}

func (s *Server) openNode(ctx context.Context, module *hsm.Module, c config.Signer) (*node.Node, error) {
	token, err := openToken(module, c, s.config.Limits.Sessions)
	if err != nil {
		return nil, err
	}
	s.closers.add(token.Close)
	if err := token.Ready(ctx); err != nil {
		return nil, err
	}
	shares, err := store.OpenSigner(ctx, store.Config{Path: c.Store, Now: s.config.Now})
	if err != nil {
		return nil, fmt.Errorf("opening its store: %w", err)
	}
	s.closers.add(shares.Close)
	s.signerStores = append(s.signerStores, shares)
	return node.New(ctx, node.Config{
		Deployment: s.config.Deployment, Token: token, Store: shares, Trust: s.store,
		RelyingParty: relyingParty(s.config.RelyingParty), Now: s.config.Now,
	})
}

// relyingParty is whom users' authenticators sign for.
func relyingParty(c config.RelyingParty) useraction.RelyingParty {
	return useraction.RelyingParty{ID: c.ID, Origins: c.Origins}
}

func openToken(module *hsm.Module, c config.Signer, sessions int) (*hsm.Token, error) {
	pin, err := hsm.ReadPIN(c.PINFile)
	if err != nil {
		return nil, err
	}
	defer pin.Destroy()
	return module.Token(hsm.TokenConfig{Label: c.Label, PIN: pin, Sessions: sessions})
}

// join tells each node who the others are.
func join(nodes []*node.Node) ([]signer.Signer, error) {
	var ids []signer.ID
	var signers []signer.Signer
	for _, n := range nodes {
		ids = append(ids, n.Info().ID)
		signers = append(signers, n)
	}
	for _, n := range nodes {
		if err := n.Join(ids); err != nil {
			return nil, err
		}
	}
	return signers, nil
}
