package node

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/useraction"
)

// A node keeps an audit log of its own, so that what it did can be compared with what
// the server says that it did. Entries name only what this node has verified itself;
// of a refused action that is its hash.

// refusalTime is for the record of a refusal when its caller may have gone.
const refusalTime = 5 * time.Second

// recordRefusal records why there was no share, and returns the error to answer with. A
// refusal that cannot be recorded is the node's own trouble, whatever it was: its text is
// kept, but it decides on nothing any more.
func (n *Node) recordRefusal(ctx context.Context, r signer.Request, refusal error) error {
	if refusal == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTime)
	defer cancel()
	entry := n.entry(audit.SignerRefused)
	entry.Action, entry.Reason = hexOf(r.Action.ID()), fault.ReasonOf(refusal)
	if err := n.Store.Append(ctx, entry); err != nil {
		return fmt.Errorf("recording a refusal: %w; it was: %v", err, refusal)
	}
	return refusal
}

func (n *Node) entry(kind audit.Kind) audit.Entry {
	return audit.Entry{Time: challenge.MillisOf(n.Now()), Kind: kind}
}

// actEntry is about what a user consented to.
func (n *Node) actEntry(kind audit.Kind, c useraction.Consent, key keyring.KeyID) audit.Entry {
	entry := n.keyEntry(kind, c.Org(), key)
	entry.User, entry.Credential, entry.Action = c.User(), c.Signed().Credential, hexOf(c.ID())
	return entry
}

func (n *Node) releaseEntry(c useraction.Consent, share Share, order signer.ExportOrder, approvals []useraction.Consent) audit.Entry {
	entry := n.actEntry(audit.ShareReleased, c, share.Key)
	sealedTo := order.EncryptionKey.Hash()
	entry.Details = map[string]string{audit.EncryptionKeyHash: hex.EncodeToString(sealedTo[:])}
	var given []audit.Approval
	for _, approval := range approvals {
		given = append(given, audit.Approval{User: approval.User(), Action: approval.ID()})
	}
	audit.AddApprovals(entry.Details, given)
	return entry
}

func (n *Node) keyEntry(kind audit.Kind, org identity.OrgID, key keyring.KeyID) audit.Entry {
	entry := n.entry(kind)
	entry.Org, entry.Key = org, string(key)
	return entry
}

func (n *Node) scopeEntry(kind audit.Kind, s Scope) audit.Entry {
	entry := n.entry(kind)
	entry.Details = map[string]string{"scope": s.text}
	return entry
}

func hexOf(id challenge.Bytes) string { return hex.EncodeToString(id[:]) }
