package audit

import (
	"encoding/hex"
	"strings"

	"keyferry/server/challenge"
	"keyferry/server/identity"
)

// The members of an export's Details about its approvals, if there are any: who gave
// them, and their actions' ids in hex, both in the same order with blanks between.
const (
	ApprovedBy = "approvedBy"
	Approvals  = "approvals"
)

// Approval is who approved an export, and with which action.
type Approval struct {
	User   identity.UserID
	Action challenge.Bytes
}

// AddApprovals completes the details of an export's entry.
func AddApprovals(details map[string]string, given []Approval) {
	if len(given) == 0 {
		return
	}
	var users, actions []string
	for _, approval := range given {
		users, actions = append(users, string(approval.User)), append(actions, hex.EncodeToString(approval.Action[:]))
	}
	details[ApprovedBy], details[Approvals] = strings.Join(users, " "), strings.Join(actions, " ")
}
