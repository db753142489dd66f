package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// Commit implements [signer.Signer]. That the receipts agree with what is stored here,
// and were signed by every member of the cluster that this node knows, is all that
// counts: the server has no part in it.
func (n *Node) Commit(ctx context.Context, c signer.Commit) error {
	share, err := findShare(ctx, n.Store, c.Org, c.Key)
	if err != nil {
		return err
	}
	want := signer.Receipt{Deployment: n.Deployment, Organisation: share.Org, Key: share.Key, VectorHash: share.Public.Hash()}
	if len(c.Receipts) > 0 {
		want.Action = c.Receipts[0].Action
	}
	if keyring.KeyIDFor(want.Action) != share.Key {
		return signer.ErrReceipts.Because(errors.New("another action made the key"))
	}
	if err := signer.VerifyReceipts(n.cluster, c.Receipts, want); err != nil {
		return signer.ErrReceipts.Because(err)
	}
	if err := n.Store.CommitShare(ctx, share.Key, n.keyEntry(audit.ShareCommitted, share.Org, share.Key)); err != nil {
		return fmt.Errorf("committing share of %s: %w", share.Key, err)
	}
	return nil
}

// Discard implements [signer.Signer]. It needs nobody's consent, since it can take
// nothing from anybody: an uncommitted share is part of no key that a user was told of.
func (n *Node) Discard(ctx context.Context, key keyring.KeyID) error {
	n.abandoned.add(key)
	err := n.Store.DiscardShare(ctx, key, n.keyEntry(audit.ShareDiscarded, "", key))
	if errors.Is(err, ErrCommitted) {
		return signer.ErrCommitted.Because(err)
	}
	if err != nil {
		return fmt.Errorf("discarding share of %s: %w", key, err)
	}
	return nil
}
