package node

import (
	"context"
	"errors"
	"fmt"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/useraction"
	"keyferry/shares/fields"
)

// consent verifies an action against the node's own trust and clock, and returns with
// it the rules of the organisation. That is the one of the trusted credential; the
// action's word is only checked against it.
func (n *Node) consent(ctx context.Context, r signer.Request) (useraction.Consent, Rules, error) {
	org := identity.OrgID(r.Action.Input.Organisation)
	credential, err := n.Trust.Credential(ctx, org, r.Action.Credential)
	if errors.Is(err, ErrNoCredential) {
		return useraction.Consent{}, Rules{}, signer.ErrConsent.Because(err)
	}
	if err != nil {
		return useraction.Consent{}, Rules{}, fmt.Errorf("looking up credential: %w", err)
	}
	rules, err := n.Trust.Rules(ctx, org)
	if err != nil {
		return useraction.Consent{}, Rules{}, fmt.Errorf("looking up the rules of %s: %w", org, err)
	}
	consent, err := r.Action.Verify(useraction.Trust{
		Deployment: n.Deployment, Credential: credential, RelyingParty: rules.RelyingParty, Now: n.Now(), Verified: n.Verified,
	})
	if err != nil {
		return useraction.Consent{}, Rules{}, signer.ErrConsent.Because(err)
	}
	if !n.NotBefore.IsZero() && r.Action.Input.IssuedAt.Time().Before(n.NotBefore.Add(useraction.ClockSkew)) {
		return useraction.Consent{}, Rules{}, signer.ErrConsent.Because(errEarly)
	}
	return consent, rules, nil
}

// errEarly says that an action may have been used in a time that the node has no
// record of.
var errEarly = errors.New("the action was issued before this signer was started")

// use records that the consent is used, and what for, before anything is done with it.
func use(ctx context.Context, at Moment, c useraction.Consent, about ...audit.Entry) error {
	err := at.UseAction(ctx, Use{Action: c.ID(), Digest: digest(c.Signed()), ExpiresAt: c.ExpiresAt()}, about...)
	if errors.Is(err, ErrUsed) {
		return signer.ErrReplayed.Because(err)
	}
	if err != nil {
		return fmt.Errorf("recording use of action: %w", err)
	}
	return nil
}

// digest covers all that came with an action, so that one challenge answered twice
// (by two credentials, say) counts as two uses.
func digest(s useraction.Signed) [32]byte {
	return fields.Hash(
		s.Input.Encode(), []byte(s.Credential), []byte(s.Kind), s.ClientData, s.AuthenticatorData, s.Signature,
	)
}
