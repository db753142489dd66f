// Package node is a signer: one token, one store, its own trust.
//
// A [Node] does two things, each only with the consent of a user whom it trusts by
// its own record (verify.go) and within the organisation's rules (rules.go): it takes
// in the share that an import has for it, which no other organisation may have brought
// before (import.go, claim.go), and commits it once the whole cluster has its shares, or
// forgets it (commit.go, abandoned.go); and it opens a share to seal it to the encryption
// key that the user signed, with a signed statement of what it did (export.go), once the
// release is recorded (permit.go), where the organisation demands it only if other users
// signed the same (approval.go). A share is
// plain only in locked memory, between the token and the seal. Its operator can stop it
// (freeze.go), and bring shares of keys that a cluster elsewhere has already (ingest.go).
//
// At rest a share is sealed by the token, with its place as associated data
// (place.go), so that a row that was moved or edited does not open (rest.go). All shares
// can be opened and checked, and nothing released (survey.go). The key that they are sealed
// under is replaced by a [Rotation] (rotate.go, wrapping.go), while the node works on. A share
// that does not open any more can be given up by a [Disposal] (discard.go).
package node

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyferry/hsm"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
	"keyferry/shares/manifest"
)

// Token is what a node needs of its token; *hsm.Token has it. Methods are safe for
// concurrent use. Errors are those of package hsm.
type Token interface {
	envelope.SharedXHasher
	// SealShare seals the plaintext in the token, bound to the associated data.
	SealShare(ctx context.Context, key hsm.WrappingKey, plaintext *locked.Buffer, aad []byte) ([]byte, error)
	// OpenShare is the reverse; the result has room spare bytes of capacity.
	OpenShare(ctx context.Context, key hsm.WrappingKey, blob, aad []byte, room int) (*locked.Buffer, error)
	// TryWrappingKey has the token open what it seals under the key.
	TryWrappingKey(ctx context.Context, key hsm.WrappingKey) error
	// ImportPublicKey is the import key's point, SEC1 uncompressed; nil where the token
	// cannot import.
	ImportPublicKey() []byte
	// IdentityAt is the P-256 identity key of a version, from 1. Its Public is nil if the
	// token has none.
	IdentityAt(version int) hsm.Identity
	// Together has the operations that get f's context done without a hand-over for each.
	// f may be left behind, if one of them hangs: what it sets may be read if and only if
	// Together returns nil.
	Together(ctx context.Context, f func(context.Context) error) error
}

// Config is what a [Node] is made of.
type Config struct {
	Deployment string
	Token      Token
	Store      Store
	Trust      Trust
	Now        func() time.Time

	// NotBefore, if given, refuses actions that were issued before, or so shortly
	// after that a clock may be to blame. A signer whose store was restored from a
	// backup does not know which actions were used since; its start is the time to
	// give here.
	NotBefore time.Time

	// Sweeper collects what exports and imports leave on the heap. Nodes of one
	// process share one; without it the node has its own.
	Sweeper *locked.Sweeper

	// Verified is shared by the verifiers of one process. Nil: each signature is verified
	// each time.
	Verified *useraction.Verified

	// Orders is shared by those who read them in one process. Nil: each is read each time.
	Orders *signer.Orders
}

// Node is one signer. It implements [signer.Signer].
type Node struct {
	Config
	info      signer.Info
	identity  hsm.Identity // in use: the one that info ends with
	cluster   manifest.Manifest
	abandoned abandoned
}

var (
	_ signer.Signer = (*Node)(nil)
	_ signer.Prober = (*Node)(nil)
)

// New returns the node that the token and the store make up. They must belong
// together: a store that another token's node enrolled in is refused.
func New(ctx context.Context, c Config) (*Node, error) {
	if c.Deployment == "" || c.Token == nil || c.Store == nil || c.Trust == nil || c.Now == nil {
		return nil, errors.New("node: incomplete configuration")
	}
	if c.Sweeper == nil {
		c.Sweeper = new(locked.Sweeper)
	}
	member, err := Describe(c.Deployment, c.Token)
	if err != nil {
		return nil, err
	}
	enrolled, err := c.Store.Enrol(ctx, member.ID)
	if err != nil {
		return nil, fmt.Errorf("enrolling signer: %w", err)
	}
	if enrolled != member.ID {
		return nil, fmt.Errorf("this store belongs to signer %v, the token to signer %v: the two were mixed up", enrolled, member.ID)
	}
	return &Node{Config: c, info: signer.Info{Member: member}, identity: c.Token.IdentityAt(1), abandoned: newAbandoned()}, nil
}

// Describe returns what is public of a signer with this token, as it is after the key
// ceremony: with its first identity key.
func Describe(deployment string, token Token) (manifest.Member, error) {
	var key envelope.EncryptionKey
	if point := token.ImportPublicKey(); point != nil {
		var err error
		if key, err = envelope.NewEncryptionKey(point); err != nil {
			return manifest.Member{}, fmt.Errorf("reading import key: %w", err)
		}
	}
	member, err := manifest.NewMember(deployment, token.IdentityAt(1), key)
	if err != nil {
		return manifest.Member{}, fmt.Errorf("describing signer: %w", err)
	}
	return member, nil
}

// Join tells the node which cluster it belongs to: from then on it takes in and
// commits only what is for exactly these signers. The manifest must have the node as
// it is, and says with which of its identity keys it signs: the token may have a newer
// one, which others do not know yet. Join must be called before the node is used.
func (n *Node) Join(cluster manifest.Manifest) error {
	verified, err := manifest.New(cluster.Deployment, cluster.Members)
	if err != nil {
		return fmt.Errorf("joining a cluster: %w", err)
	}
	own, found := verified.Member(n.info.ID)
	switch {
	case cluster.Deployment != n.Deployment:
		return fmt.Errorf("joining a cluster: it is of deployment %q, the signer of %q", cluster.Deployment, n.Deployment)
	case !found:
		return fmt.Errorf("joining a cluster: signer %v is not in its manifest", n.info.ID)
	case !own.Follows(n.info.Member):
		return fmt.Errorf("joining a cluster: signer %v has other keys than its manifest says", n.info.ID)
	}
	identity := n.Token.IdentityAt(len(own.Identities))
	if spki, err := x509.MarshalPKIXPublicKey(identity.Public()); err != nil || !slices.Equal(spki, own.Identity()) {
		return fmt.Errorf("joining a cluster: signer %v does not have identity key %d of its manifest on its token", n.info.ID, len(own.Identities))
	}
	n.info.Member, n.identity, n.cluster = own, identity, verified
	return nil
}

// Identity returns the identity key in use, which is also that of TLS.
func (n *Node) Identity() crypto.Signer { return n.identity }

// Ready implements [signer.Prober]: the store is read, and the token opens what it seals
// under the key that new shares are sealed under.
func (n *Node) Ready(ctx context.Context) error {
	keys, err := n.Store.WrappingKeys(ctx)
	if err != nil {
		return fmt.Errorf("reading the signer's store: %w", err)
	}
	if _, err := n.Store.Share(ctx, "", ""); !errors.Is(err, ErrNoShare) {
		return fmt.Errorf("reading the signer's store: %w", err)
	}
	return tokenFault(n.Token.TryWrappingKey(ctx, keys.Current))
}

// Info returns what is public of the node.
func (n *Node) Info() signer.Info { return n.info }
