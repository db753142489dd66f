//go:build cgo

package server

import (
	"context"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/audit/compare"
	"keyferry/server/audit/merkle"
	"keyferry/server/challenge"
	"keyferry/server/signer/node"
	"keyferry/server/store"
	"keyferry/shares/manifest"
)

// InitNode holds the key ceremony on the token of a signer that is a process of its
// own. Keys that are there are kept.
func InitNode(ctx context.Context, c NodeConfig) (report *hsm.KeyReport, err error) {
	c, err = c.withDefaults()
	if err := errors.Join(err, c.ValidateToken()); err != nil {
		return nil, err
	}
	lock, err := lockNode(c.Node)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	module, err := openModule(c.PKCS11)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, module.Close()) }()
	return initSigner(ctx, module, c.Signer())
}

// MemberManifest returns the manifest of the one signer that the configuration names,
// whose token signs it. Those of all signers, joined, are the cluster's.
func MemberManifest(c NodeConfig) (m manifest.Manifest, err error) {
	c, err = c.withDefaults()
	if err := errors.Join(err, c.ValidateToken()); err != nil {
		return manifest.Manifest{}, err
	}
	token, closeToken, err := openNodeToken(c.Node, 1, nil)
	if err != nil {
		return manifest.Manifest{}, err
	}
	defer func() { err = errors.Join(err, closeToken()) }()
	if err := fit(context.Background(), token, c.Log); err != nil {
		return manifest.Manifest{}, err
	}
	member, err := node.Describe(c.Deployment, token)
	if err != nil {
		return manifest.Manifest{}, err
	}
	return manifest.New(c.Deployment, []manifest.Member{member})
}

// NodeOffice is what a signer's operator does at the signer's own store, whether or not
// the signer runs, and without any server. Each change is recorded with it.
type NodeOffice struct {
	config NodeConfig
	store  *store.Signer
}

// OpenNodeOffice opens the store of the configured signer.
func OpenNodeOffice(ctx context.Context, c NodeConfig) (*NodeOffice, error) {
	c, err := c.withDefaults()
	if err := errors.Join(err, c.ValidateToken()); err != nil {
		return nil, err
	}
	opened, err := openNodeStore(ctx, c)
	if err != nil {
		return nil, err
	}
	return &NodeOffice{config: c, store: opened}, nil
}

// Freeze stops a scope from the next question on, until it is thawed.
func (o *NodeOffice) Freeze(ctx context.Context, s node.Scope) error {
	return o.store.Freeze(ctx, node.Freeze{Scope: s, Since: o.config.Now()}, o.entry(audit.SignerFrozen, s))
}

// Thaw undoes Freeze for the very same scope.
func (o *NodeOffice) Thaw(ctx context.Context, s node.Scope) error {
	return o.store.Thaw(ctx, s, o.entry(audit.SignerThawed, s))
}

func (o *NodeOffice) entry(kind audit.Kind, s node.Scope) audit.Entry {
	return audit.Entry{
		Time: challenge.MillisOf(o.config.Now()), Kind: kind, Details: map[string]string{"scope": s.String()},
	}
}

// Freezes lists what is frozen, oldest first.
func (o *NodeOffice) Freezes(ctx context.Context) ([]node.Freeze, error) {
	return o.store.ListFreezes(ctx)
}

// AuditLog returns the signer's own log, which is good until Close. The key that signs its
// checkpoints is made at first use.
func (o *NodeOffice) AuditLog(ctx context.Context) (merkle.Log, error) {
	if err := o.config.ValidateAudit(); err != nil {
		return merkle.Log{}, err
	}
	id, err := o.store.Enrolled(ctx)
	if errors.Is(err, store.ErrNotEnrolled) {
		return merkle.Log{}, fmt.Errorf("%w: it has no log before the signer first serves", err)
	}
	if err != nil {
		return merkle.Log{}, err
	}
	return logPlace{o.config.Deployment, o.config.CheckpointKeyFile}.open(compare.SignerPart(id), o.store)
}

// Close closes the store.
func (o *NodeOffice) Close() error { return o.store.Close() }
