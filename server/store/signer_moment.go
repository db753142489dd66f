package store

import (
	"context"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer/node"
)

// Together implements [node.Store]. Nobody else writes to the database meanwhile, and the
// writer's connection has at hand what it reads: other connections read their pages anew
// after each commit.
func (s *Signer) Together(ctx context.Context, act func(context.Context, node.Moment) error) error {
	return s.write(ctx, func(ctx context.Context, tx *transaction) error { return act(ctx, moment{s, tx}) })
}

// moment is a signer's database in the middle of a transaction.
type moment struct {
	signer *Signer
	tx     *transaction
}

func (m moment) Share(ctx context.Context, org identity.OrgID, key keyring.KeyID) (node.Share, error) {
	return m.signer.shareIn(ctx, m.tx, org, key)
}

func (m moment) Frozen(ctx context.Context, org identity.OrgID, key keyring.KeyID) (bool, error) {
	return frozenIn(ctx, m.tx, org, key)
}

func (m moment) UseAction(ctx context.Context, u node.Use, about ...audit.Entry) error {
	return useAction(ctx, m.tx, u, about)
}
