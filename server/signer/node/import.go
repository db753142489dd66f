package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"keyferry/hsm"
	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares"
	"keyferry/shares/envelope"
	"keyferry/shares/locked"
)

// ErrBadShare refuses an import whose share for this signer does not open, does not
// parse, or does not fit its public shares. The caller is not told which.
var ErrBadShare = fault.New(fault.Invalid, "import.share", "encryptedKeyShares: a share is not valid for its signer")

// Prepare implements [signer.Signer]. The key's id follows from the action, so
// preparing the same action again finds the share that is there.
func (n *Node) Prepare(ctx context.Context, r signer.Request) (signer.Prepared, error) {
	prepared, err := n.prepareUnlessAbandoned(ctx, r)
	return prepared, n.recordRefusal(ctx, r, err)
}

func (n *Node) prepare(ctx context.Context, r signer.Request) (signer.Prepared, error) {
	consent, rules, err := n.consent(ctx, r)
	if err != nil {
		return signer.Prepared{}, err
	}
	if consent.Method() != "POST" || consent.Path() != signer.ImportPath {
		return signer.Prepared{}, signer.ErrConsent.Because(signer.ErrOtherPath)
	}
	order, err := signer.ParseImport(consent.Payload())
	if err != nil {
		return signer.Prepared{}, err
	}
	if err := n.checkImport(ctx, consent, rules, order); err != nil {
		return signer.Prepared{}, err
	}
	if err := use(ctx, n.Store, consent); err != nil {
		return signer.Prepared{}, err
	}
	entry := n.actEntry(audit.ShareStored, consent, keyring.KeyIDFor(consent.ID()))
	share, err := n.addSealed(ctx, entry, func(key hsm.WrappingKey) (Share, error) { return n.takeIn(ctx, consent, order, key) })
	if err != nil {
		return signer.Prepared{}, err
	}
	return n.acknowledge(consent.ID(), share)
}

// checkImport is all that is checked before anything is opened.
func (n *Node) checkImport(ctx context.Context, consent useraction.Consent, rules Rules, order signer.ImportOrder) error {
	if !n.cluster.Imports() {
		return signer.ErrNoImport
	}
	if err := order.IsFor(n.cluster.IDs()); err != nil {
		return err
	}
	if err := rules.allow(order.Scheme, order.MinSigners); err != nil {
		return err
	}
	return checkFrozen(ctx, n.Store, consent.Org(), keyring.KeyIDFor(consent.ID()))
}

// acknowledge signs that the share is on disk.
func (n *Node) acknowledge(action challenge.Bytes, share Share) (signer.Prepared, error) {
	receipt := signer.Receipt{
		Deployment: n.Deployment, Organisation: share.Org, Key: share.Key, Action: action, VectorHash: share.Public.Hash(),
	}
	signed, err := receipt.Sign(n.info.ID, n.identity)
	if err != nil {
		return signer.Prepared{}, fmt.Errorf("acknowledging share of %s: %w", share.Key, tokenFault(err))
	}
	return signer.Prepared{Public: share.Public, Receipt: signed}, nil
}

// takeIn opens and checks this signer's share of the order, makes sure that it is the
// organisation's to bring, and seals it in the token.
func (n *Node) takeIn(ctx context.Context, consent useraction.Consent, order signer.ImportOrder, key hsm.WrappingKey) (Share, error) {
	cluster := n.cluster.IDs()
	position := slices.Index(cluster, n.info.ID)
	sealed := order.Shares[position].Ciphertext
	defer n.Sweeper.Soon()
	plaintext, err := envelope.OpenWithToken(ctx, n.Token, sealed)
	if errors.Is(err, envelope.ErrOpen) {
		return Share{}, ErrBadShare.Because(err)
	}
	if err != nil {
		return Share{}, fmt.Errorf("opening imported share: %w", tokenFault(err))
	}
	defer plaintext.Destroy()
	imported, err := shares.ParseImport(plaintext, order.Scheme.Curve(), len(cluster))
	if err != nil {
		return Share{}, badShare(err)
	}
	defer imported.Destroy()
	share := Share{
		Key: keyring.KeyIDFor(consent.ID()), Org: consent.Org(), Scheme: order.Scheme,
		MinSigners: order.MinSigners, Index: shares.IndexOf(position + 1), Public: imported.Public,
		WrappingKey: key,
	}
	if err := imported.Check(position+1, order.MinSigners); err != nil {
		return Share{}, badShare(err)
	}
	if share.PublicKey, err = imported.Public.PublicKey(); err != nil {
		return Share{}, badShare(err)
	}
	if err := n.claim(ctx, consent.Org(), sealed); err != nil {
		return Share{}, err
	}
	share.Blob, err = n.wrap(ctx, imported.Secret, share)
	return share, err
}

// badShare blames the client, but not for a lack of memory.
func badShare(err error) error {
	if errors.Is(err, locked.ErrMemory) {
		return err
	}
	return ErrBadShare.Because(err)
}
