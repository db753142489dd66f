package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/shares"
)

// ErrOtherShare refuses an ingest of a key of which the signer has another share.
var ErrOtherShare = errors.New("node: the signer has another share of this key")

// Ingest takes in a share that the node's operator brings from a cluster that has the
// key already, uncommitted: like an imported one it is exportable once all signers have
// theirs. It needs no user's consent, and so it is no part of [signer.Signer]: no
// server can ask for it. A share that is there, brought before, is answered with the
// same receipt, and brought is false.
func (n *Node) Ingest(ctx context.Context, s shares.ClusterShare) (ingested signer.Ingested, brought bool, err error) {
	defer n.Sweeper.Soon()
	if err := n.fits(s); err != nil {
		return signer.Ingested{}, false, err
	}
	share, action, err := n.origin(s)
	if err != nil {
		return signer.Ingested{}, false, err
	}
	if err := checkFrozen(ctx, n.Store, share.Org, share.Key); err != nil {
		return signer.Ingested{}, false, err
	}
	err = n.same(ctx, share)
	if errors.Is(err, ErrNoShare) {
		brought, err = true, n.keep(ctx, s, share)
	}
	if err != nil {
		return signer.Ingested{}, false, err
	}
	prepared, err := n.acknowledge(action, share)
	return signer.Ingested{
		Scheme: s.Scheme, MinSigners: s.MinSigners, Position: s.Position, Public: s.Public, Receipt: prepared.Receipt,
	}, brought, err
}

// fits checks the share against its public shares, of which each member of the cluster
// has one.
func (n *Node) fits(s shares.ClusterShare) error {
	if len(s.Public) != len(n.cluster.Members) {
		return fmt.Errorf("the key has %d shares, the cluster %d signers", len(s.Public), len(n.cluster.Members))
	}
	return s.Check()
}

// origin names the key, as all other signers do.
func (n *Node) origin(s shares.ClusterShare) (Share, [32]byte, error) {
	publicKey, err := s.Public.PublicKey()
	if err != nil {
		return Share{}, [32]byte{}, err
	}
	origin := signer.Origin{
		Deployment: n.Deployment, Organisation: identity.OrgID(s.Organisation), Scheme: s.Scheme, PublicKey: publicKey,
	}
	return Share{
		Key: origin.Key(), Org: origin.Organisation, Scheme: s.Scheme, PublicKey: publicKey,
		MinSigners: s.MinSigners, Index: shares.IndexOf(s.Position), Public: s.Public,
	}, origin.Action(), nil
}

// keep seals and stores a share, and looks at what is stored then: of two that are
// brought at once, the store keeps the first.
func (n *Node) keep(ctx context.Context, s shares.ClusterShare, share Share) error {
	_, err := n.addSealed(ctx, n.keyEntry(audit.ShareIngested, share.Org, share.Key), func(key hsm.WrappingKey) (Share, error) {
		var err error
		share.WrappingKey = key
		share.Blob, err = n.wrap(ctx, s.Secret, share)
		return share, err
	})
	if err != nil {
		return err
	}
	return n.same(ctx, share)
}

// same accepts a share if the stored one is the same: with the vector and the index,
// the secret is given.
func (n *Node) same(ctx context.Context, share Share) error {
	stored, err := n.Store.Share(ctx, share.Org, share.Key)
	if err != nil {
		return err
	}
	if stored.Public.Hash() != share.Public.Hash() || stored.Index != share.Index || stored.MinSigners != share.MinSigners {
		return fmt.Errorf("%w: %s", ErrOtherShare, share.Key)
	}
	return nil
}
