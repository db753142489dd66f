package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares/fields"
)

// approvalLabel keeps the digests of approvals apart from those of the actions that are
// carried out: one action is never both.
const approvalLabel = "keyferry export approval v1"

// Why an approval does not count. These are for the node's log: the caller learns only
// that there are too few.
var (
	errSameUser    = errors.New("its user has signed this export already")
	errNoApprover  = errors.New("its credential may not approve exports")
	errOtherExport = errors.New("it is for another export")
	errSpent       = errors.New("it was used for something else")
)

// approvals is what is known of the approvals of one export: first those that are what
// they say, then which of them count.
type approvals struct {
	consent  useraction.Consent // to the export
	rules    Rules
	verified []useraction.Consent
	good     []useraction.Consent
	bad      []error
}

// approvals verifies the approvals that come with an export, if the organisation demands
// any, each as the action itself was verified.
//
// An approval that does not count stops nothing: else whoever may leave one with the
// server could stop every export of his organisation.
func (n *Node) approvals(ctx context.Context, r signer.Request, consent useraction.Consent, rules Rules) (approvals, error) {
	given := approvals{consent: consent, rules: rules}
	if rules.Approvals == 0 {
		return given, nil
	}
	if len(r.Approvals) > signer.MaxApprovals {
		return given, signer.ErrApproval.Because(fmt.Errorf("%d approvals", len(r.Approvals)))
	}
	for _, action := range r.Approvals {
		approval, _, err := n.consent(ctx, signer.Request{Action: action})
		switch {
		case err == nil:
			given.verified = append(given.verified, approval)
		case errors.Is(err, signer.ErrConsent):
			given.bad = append(given.bad, fmt.Errorf("approval %x: %w", action.ID(), err))
		default:
			return given, fmt.Errorf("approval %x: %w", action.ID(), err)
		}
	}
	return given, nil
}

// use returns as many approvals as the organisation demands, each of another user. They
// are used from then on, for this action and no other: repeating this one finds them good.
func (a approvals) use(ctx context.Context, at Moment) ([]useraction.Consent, error) {
	for _, approval := range a.verified {
		if len(a.good) == a.rules.Approvals {
			break
		}
		err := a.check(approval)
		if err == nil {
			err = useApproval(ctx, at, approval, a.consent)
		}
		switch {
		case err == nil:
			a.good = append(a.good, approval)
		case errors.Is(err, signer.ErrApproval):
			a.bad = append(a.bad, fmt.Errorf("approval %x: %w", approval.ID(), err))
		default:
			return nil, fmt.Errorf("approval %x: %w", approval.ID(), err)
		}
	}
	return a.good, a.suffice()
}

func (a approvals) suffice() error {
	if len(a.good) < a.rules.Approvals {
		counted := fmt.Errorf("%d of %d", len(a.good), a.rules.Approvals)
		return signer.ErrApproval.Because(errors.Join(append([]error{counted}, a.bad...)...))
	}
	return nil
}

// check compares what two users signed. The organisation comes first: ids of users and
// credentials mean something only within theirs.
func (a approvals) check(approval useraction.Consent) error {
	same, err := sameExport(a.consent, approval)
	switch {
	case approval.Org() != a.consent.Org() || err != nil || !same:
		return signer.ErrApproval.Because(errors.Join(errOtherExport, err))
	case !a.rules.allowApproval(approval.Signed().Credential):
		return signer.ErrApproval.Because(errNoApprover)
	case approval.User() == a.consent.User():
		return signer.ErrApproval.Because(errSameUser)
	}
	for _, other := range a.good {
		if approval.User() == other.User() {
			return signer.ErrApproval.Because(errSameUser)
		}
	}
	return nil
}

func sameExport(a, b useraction.Consent) (bool, error) {
	keyA, errA := signer.ExportedKey(a.Method(), a.Path())
	keyB, errB := signer.ExportedKey(b.Method(), b.Path())
	if err := errors.Join(errA, errB); err != nil || keyA != keyB {
		return false, err
	}
	orderA, errA := signer.ParseExport(a.Payload())
	orderB, errB := signer.ParseExport(b.Payload())
	return orderA.Same(orderB), errors.Join(errA, errB)
}

// useApproval records what an approval is used for: this action, as it was signed.
func useApproval(ctx context.Context, at Moment, approval, consent useraction.Consent) error {
	err := at.UseAction(ctx, Use{
		Action: approval.ID(), Digest: approvalDigest(approval.Signed(), consent.Signed()), ExpiresAt: approval.ExpiresAt(),
	})
	if errors.Is(err, ErrUsed) {
		return signer.ErrApproval.Because(errSpent)
	}
	if err != nil {
		return fmt.Errorf("recording its use: %w", err)
	}
	return nil
}

// approvalDigest covers all that came with an approval and with the action that it
// approves.
func approvalDigest(approval, action useraction.Signed) [32]byte {
	given, approved := digest(approval), digest(action)
	return fields.Hash([]byte(approvalLabel), given[:], approved[:])
}
