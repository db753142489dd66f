package signer

import (
	"cmp"
	"slices"

	"keyferry/server/useraction"
)

// The approval of an export is another user's action for the same export: signed over
// the same kind of challenge, with the same meaning. There is no second kind of
// signature, so whoever approves signs what he would sign to export to that encryption
// key himself.

// MaxApprovals is how many approvals go with one request, at most. It is more than any
// organisation can demand, so that a few that do not count keep no good one out.
const MaxApprovals = 16

// MaxApprovalBytes bounds an approval: its payload and what was signed. An export with
// every scheme that there is, approved with a security key, has less than a quarter.
const MaxApprovalBytes = 8 << 10

// ApprovalBytes is an approval's size, which [MaxApprovalBytes] bounds.
func ApprovalBytes(s useraction.Signed) int {
	return len(s.Payload) + len(s.ClientData) + len(s.AuthenticatorData) + len(s.Signature)
}

// Same tells whether two orders say the same: the same encryption key, and the same
// schemes in the client's spelling, in any order. How the payloads were written, and
// members that mean nothing here, make no difference.
func (o ExportOrder) Same(other ExportOrder) bool {
	return o.EncryptionKey == other.EncryptionKey && slices.Equal(o.sortedOffers(), other.sortedOffers())
}

func (o ExportOrder) sortedOffers() []offer {
	sorted := slices.SortedFunc(slices.Values(o.offered), func(a, b offer) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Curve, b.Curve))
	})
	return slices.Compact(sorted)
}
