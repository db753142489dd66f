package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
)

// wanted is an export as users signed it, verified as far as that can be done without the
// store.
type wanted struct {
	approvals // with what they approve: the consent, and the organisation's rules
	key       keyring.KeyID
	order     signer.ExportOrder
}

func (n *Node) wanted(ctx context.Context, r signer.Request) (*wanted, error) {
	consent, rules, err := n.consent(ctx, r)
	if err != nil {
		return nil, err
	}
	key, err := signer.ExportedKey(consent.Method(), consent.Path())
	if err != nil {
		return nil, signer.ErrConsent.Because(err)
	}
	order, err := n.Orders.ParseExport(consent.Payload())
	if err != nil {
		return nil, err
	}
	approvals, err := n.approvals(ctx, r, consent, rules)
	return &wanted{approvals, key, order}, err
}

// permit checks all that the store knows about an export, and records that the share is
// released and what for. It is one transaction: of a refused export nothing is left, not
// even the use of an approval.
func (n *Node) permit(ctx context.Context, at Moment, w *wanted) (Share, error) {
	share, err := findShare(ctx, at, w.consent.Org(), w.key)
	if err != nil {
		return Share{}, err
	}
	if err := w.allow(share); err != nil {
		return Share{}, err
	}
	if err := checkFrozen(ctx, at, share.Org, share.Key); err != nil {
		return Share{}, err
	}
	approved, err := w.approvals.use(ctx, at)
	if err != nil {
		return Share{}, err
	}
	return share, use(ctx, at, w.consent, n.releaseEntry(w.consent, share, w.order, approved))
}

// allow holds a share to the rules, and to what the user ordered.
func (w *wanted) allow(share Share) error {
	if !share.Committed {
		return signer.ErrNoShare.Because(errUncommitted)
	}
	if err := w.rules.allowExport(share); err != nil {
		return err
	}
	_, err := w.order.Spelling(share.Scheme)
	return err
}

// errUncommitted says that a key's import did not come to its end at this signer.
var errUncommitted = errors.New("the share is not committed")

// findShare looks up a share that must be there.
func findShare(ctx context.Context, at Moment, org identity.OrgID, key keyring.KeyID) (Share, error) {
	share, err := at.Share(ctx, org, key)
	switch {
	case errors.Is(err, ErrNoShare):
		return Share{}, signer.ErrNoShare.Because(err)
	case errors.Is(err, ErrUnreadable):
		return Share{}, signer.ErrDamaged.Because(err)
	case err != nil:
		return Share{}, fmt.Errorf("looking up share of %s: %w", key, err)
	}
	return share, nil
}
