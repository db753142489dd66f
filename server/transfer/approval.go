package transfer

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/policy"
	"keyferry/server/signer"
	"keyferry/server/useraction"
)

// ErrApprovalSize refuses an approval that is larger than signers are shown.
var ErrApprovalSize = fault.New(fault.Invalid, "approval.size",
	fmt.Sprintf("the request and what was signed have more than %d bytes: leave out what an export does not need", signer.MaxApprovalBytes))

// Approval is the record that a user approved an export. It is good until it expires; a
// later one of the same user for the same key takes its place.
type Approval struct {
	Org           identity.OrgID
	Key           keyring.KeyID
	User          identity.UserID
	EncryptionKey [32]byte // its hash
	At, ExpiresAt time.Time
}

// Approve leaves a user's signed export for another user's export of the same key to the
// same encryption key, in place of carrying it out. It takes what the export would take:
// the permission, the activation and a key that is in use. Whether it counts is for the
// signers to say.
func (s *Service) Approve(ctx context.Context, proof useraction.Proof, id keyring.KeyID) (Approval, error) {
	grant, order, err := s.grantExport(ctx, proof, id)
	if err != nil {
		return Approval{}, err
	}
	signed := proof.Signed()
	if signer.ApprovalBytes(signed) > signer.MaxApprovalBytes {
		return Approval{}, ErrApprovalSize
	}
	key := grant.Key()
	if _, err := order.Spelling(key.Scheme); err != nil {
		return Approval{}, err
	}
	approval := Approval{
		Org: key.Org, Key: key.ID, User: proof.Principal().User(), EncryptionKey: order.EncryptionKey.Hash(),
		At: s.Now(), ExpiresAt: signed.Input.ExpiresAt.Time(),
	}
	entry := s.entry(audit.ExportApproved, proof)
	entry.Key, entry.Details = string(key.ID), describeExport(order, nil)
	if err := s.Journal.Approve(ctx, proof.ActionID(), approval, entry); err != nil {
		return Approval{}, fmt.Errorf("recording approval: %w", err)
	}
	return approval, nil
}

// approvals returns what other users left for this very export.
func (s *Service) approvals(ctx context.Context, grant policy.ExportGrant, order signer.ExportOrder) ([]useraction.Signed, error) {
	key := grant.Key()
	left, err := s.Journal.Approvals(ctx, Approval{
		Org: key.Org, Key: key.ID, User: grant.Proof().Principal().User(), EncryptionKey: order.EncryptionKey.Hash(), At: s.Now(),
	}, signer.MaxApprovals)
	if err != nil {
		return nil, fmt.Errorf("looking up approvals: %w", err)
	}
	var same []useraction.Signed
	for _, signed := range left {
		if approved, err := s.Orders.ParseExport([]byte(signed.Payload)); err == nil && approved.Same(order) {
			same = append(same, signed)
		}
	}
	return same, nil
}

// describeExport is the details of an export's entry: where the shares go, and which
// approvals went along.
func describeExport(order signer.ExportOrder, approvals []useraction.Signed) map[string]string {
	sealedTo := order.EncryptionKey.Hash()
	details := map[string]string{audit.EncryptionKeyHash: hex.EncodeToString(sealedTo[:])}
	var given []audit.Approval
	for _, signed := range approvals {
		given = append(given, audit.Approval{User: identity.UserID(signed.Input.User), Action: signed.ID()})
	}
	audit.AddApprovals(details, given)
	return details
}
