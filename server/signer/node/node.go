// Package node is a signer: one token, one store, its own trust.
//
// A [Node] does two things, each only with the consent of a user whom it trusts by
// its own record (verify.go): it takes in the share that an import has for it
// (import.go), and it opens a share to seal it to the encryption key that the user
// signed (export.go). A share is plain only in locked memory, between the token and
// the seal.
//
// At rest a share is sealed by the token, with its place as associated data
// (place.go), so that a row moved to another place does not open.
package node

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyferry/server/challenge"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

// Token is what a node needs of its token; *hsm.Token has it. Methods are safe for
// concurrent use. Errors are those of package hsm.
type Token interface {
	envelope.SharedXHasher
	// SealShare seals the plaintext in the token, bound to the associated data.
	SealShare(ctx context.Context, plaintext *locked.Buffer, aad []byte) ([]byte, error)
	// OpenShare is the reverse; the result has room spare bytes of capacity.
	OpenShare(ctx context.Context, blob, aad []byte, room int) (*locked.Buffer, error)
	// ImportPublicKey is the import key's point, SEC1 uncompressed.
	ImportPublicKey() []byte
	// Identity is the P-256 identity key.
	Identity() crypto.Signer
}

// Share is a share at rest.
type Share struct {
	Key        keyring.KeyID
	Org        identity.OrgID
	Scheme     shares.Scheme
	PublicKey  shares.Point
	MinSigners int
	Index      shares.Index
	Public     shares.PublicShares // of all signers, index 1 first
	Blob       []byte              // sealed by the token
	Committed  bool
}

// Use is the record that an action was used.
type Use struct {
	Action    challenge.Bytes // the hash of its input
	Digest    [32]byte        // of everything that was presented with it
	ExpiresAt time.Time
}

var (
	// ErrNoShare is what a [Store] returns for a share that it does not have.
	ErrNoShare = errors.New("node: no such share")
	// ErrUsed is what a [Store] returns for an action that was used with another
	// digest.
	ErrUsed = errors.New("node: the action was used for something else")
)

// Store keeps a node's shares and used actions. What it acknowledged is durable;
// methods are safe for concurrent use.
type Store interface {
	// Enrol records the node's id at the first call and returns the recorded one
	// ever after.
	Enrol(ctx context.Context, id signer.ID) (signer.ID, error)
	// AddShare stores an uncommitted share; one that is there stays as it is.
	AddShare(ctx context.Context, s Share) error
	// Share returns a share, committed or not, or ErrNoShare.
	Share(ctx context.Context, org identity.OrgID, key keyring.KeyID) (Share, error)
	// CommitShare makes a share exportable, or ErrNoShare.
	CommitShare(ctx context.Context, key keyring.KeyID) error
	// DiscardShare removes a share, if it is there.
	DiscardShare(ctx context.Context, key keyring.KeyID) error
	// UseAction records a use; the same use again is fine, else ErrUsed.
	UseAction(ctx context.Context, u Use) error
}

// Trust is whom a node believes. In a server's own process it is the server's
// database: that protects nothing against the server itself.
type Trust interface {
	// Credential returns a credential of the organisation as it is now, or an error
	// for which errors.Is(err, ErrNoCredential).
	Credential(ctx context.Context, org identity.OrgID, id identity.CredentialID) (identity.Credential, error)
}

// ErrNoCredential is what a [Trust] returns for a credential that it does not have.
var ErrNoCredential = errors.New("node: no such credential")

// Config is what a [Node] is made of.
type Config struct {
	Deployment string
	Token      Token
	Store      Store
	Trust      Trust
	Now        func() time.Time
}

// Node is one signer. It implements [signer.Signer].
type Node struct {
	Config
	info    signer.Info
	cluster []signer.ID
}

var _ signer.Signer = (*Node)(nil)

// New returns the node that the token and the store make up. They must belong
// together: a store that another token's node enrolled in is refused.
func New(ctx context.Context, c Config) (*Node, error) {
	if c.Deployment == "" || c.Token == nil || c.Store == nil || c.Trust == nil || c.Now == nil {
		return nil, errors.New("node: incomplete configuration")
	}
	spki, err := x509.MarshalPKIXPublicKey(c.Token.Identity().Public())
	if err != nil {
		return nil, fmt.Errorf("encoding identity key: %w", err)
	}
	id := signer.IDOf(spki)
	enrolled, err := c.Store.Enrol(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("enrolling signer: %w", err)
	}
	if enrolled != id {
		return nil, fmt.Errorf("this store belongs to signer %v, the token to signer %v: the two were mixed up", enrolled, id)
	}
	key, err := envelope.NewEncryptionKey(c.Token.ImportPublicKey())
	if err != nil {
		return nil, fmt.Errorf("reading import key: %w", err)
	}
	return &Node{Config: c, info: signer.Info{ID: id, EncryptionKey: key}}, nil
}

// Join tells the node which signers make up its cluster, itself included. It must be
// called before the node is used.
func (n *Node) Join(cluster []signer.ID) error {
	sorted := slices.Clone(cluster)
	signer.SortIDs(sorted)
	if len(slices.Compact(slices.Clone(sorted))) != len(sorted) || !slices.Contains(sorted, n.info.ID) {
		return errors.New("node: a cluster has each signer once, this one included")
	}
	n.cluster = sorted
	return nil
}

// Info returns the node's id and the key that shares for it are sealed to.
func (n *Node) Info() signer.Info { return n.info }
