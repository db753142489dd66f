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
	"keyferry/shares/manifest"
)

// cluster is the signers and what is public of them.
type cluster struct {
	manifest manifest.Manifest
	signers  []signer.Signer
}

// openCluster opens the signers, of whichever sort they are.
func (s *Server) openCluster(ctx context.Context) (cluster, error) {
	if s.config.Remote() {
		return s.openRemote()
	}
	return s.openEmbedded(ctx)
}

// openEmbedded opens the signers inside this process: module, then for each its token,
// its store and the node that they make up.
func (s *Server) openEmbedded(ctx context.Context) (cluster, error) {
	module, err := openModule(s.config.PKCS11)
	if err != nil {
		return cluster{}, err
	}
	s.closers.add(module.Close)
	nodes := make([]*node.Node, 0, len(s.config.Signers))
	for _, c := range s.config.Signers {
		one, err := s.openNode(ctx, module, c)
		if err != nil {
			return cluster{}, fmt.Errorf("signer %q: %w", c.Label, err)
		}
		nodes = append(nodes, one)
	}
	s.config.Log.Warn("the signers are embedded: what is stored is protected, but nothing is protected against this server process itself",
		"signers", len(nodes))
	return join(s.config.Deployment, nodes)
}

func (s *Server) openNode(ctx context.Context, module *hsm.Module, c config.Signer) (*node.Node, error) {
	token, err := openToken(module, c, s.config.Limits.Sessions, s.metrics)
	if err != nil {
		return nil, err
	}
	s.closers.add(token.Close)
	s.metrics.Watch(token)
	if err := fit(ctx, token, s.config.Log); err != nil {
		return nil, err
	}
	shares, err := store.OpenSigner(ctx, store.Config{Path: c.Store, Now: s.config.Now})
	if err != nil {
		return nil, fmt.Errorf("opening its store: %w", err)
	}
	s.closers.add(shares.Close)
	s.signerStores = append(s.signerStores, shares)
	one, err := node.New(ctx, node.Config{
		Deployment: s.config.Deployment, Token: token, Store: shares,
		Trust: store.Trust{Server: s.store, RelyingParty: relyingParty(s.config.RelyingParty)}, Now: s.config.Now,
		NotBefore: s.config.NotBefore,
		Sweeper:   &s.sweeper,
		Verified:  s.verified,
		Orders:    s.orders,
	})
	s.verifiers = append(s.verifiers, verifier{s.config.Verify, c.Label, one, s.metrics, s.config.Log})
	return one, err
}

// relyingParty is whom users' authenticators sign for.
func relyingParty(c config.RelyingParty) useraction.RelyingParty {
	return useraction.RelyingParty{ID: c.ID, Origins: c.Origins}
}

func openModule(c config.PKCS11) (*hsm.Module, error) {
	return hsm.OpenWithParameters(c.Module, c.InitParameters)
}

func openToken(module *hsm.Module, c config.Signer, sessions int, observer hsm.Observer) (*hsm.Token, error) {
	pin, err := hsm.ReadPIN(c.PINFile)
	if err != nil {
		return nil, err
	}
	defer pin.Destroy()
	return module.Token(hsm.TokenConfig{Label: c.Label, PIN: pin, Sessions: sessions, Observer: observer})
}

// join makes the cluster's manifest and tells each node of it.
func join(deployment string, nodes []*node.Node) (cluster, error) {
	var joined cluster
	var members []manifest.Member
	for _, n := range nodes {
		members = append(members, n.Info().Member)
		joined.signers = append(joined.signers, n)
	}
	var err error
	if joined.manifest, err = manifest.New(deployment, members); err != nil {
		return cluster{}, fmt.Errorf("making the cluster's manifest: %w", err)
	}
	for _, n := range nodes {
		if err := n.Join(joined.manifest); err != nil {
			return cluster{}, err
		}
	}
	return joined, nil
}
