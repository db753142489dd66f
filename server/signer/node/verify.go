package node

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/useraction"
)

// consent verifies an action against the node's own trust and clock. The
// organisation is that of the trusted credential; the action's word is only checked
// against it.
func (n *Node) consent(ctx context.Context, r signer.Request) (useraction.Consent, error) {
	org := identity.OrgID(r.Action.Input.Organisation)
	credential, err := n.Trust.Credential(ctx, org, r.Action.Credential)
	if errors.Is(err, ErrNoCredential) {
		return useraction.Consent{}, signer.ErrConsent.Because(err)
	}
	if err != nil {
		return useraction.Consent{}, fmt.Errorf("looking up credential: %w", err)
	}
	consent, err := r.Action.Verify(useraction.Trust{Deployment: n.Deployment, Credential: credential, Now: n.Now()})
	if err != nil {
		return useraction.Consent{}, signer.ErrConsent.Because(err)
	}
	return consent, nil
}

// use records that the consent is used, before anything is done with it.
func (n *Node) use(ctx context.Context, c useraction.Consent) error {
	err := n.Store.UseAction(ctx, Use{Action: c.ID(), Digest: digest(c.Signed()), ExpiresAt: c.ExpiresAt()})
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
	hash := sha256.New()
	for _, field := range [][]byte{s.Input.Encode(), []byte(s.Credential), []byte(s.Kind), s.ClientData, s.Signature} {
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
		hash.Write(field)
	}
	return [32]byte(hash.Sum(nil))
}
