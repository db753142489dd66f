package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"keyferry/server/audit"
	"keyferry/server/challenge"
	"keyferry/server/fault"
)

// record puts a refusal or failure into the audit record, with the true reason, and
// returns the error to answer with. What an inner stage recorded is not recorded
// again; of callers without a valid token only so much is (strangers.go). Requests for paths and methods that do not exist are not recorded, since
// they are about nothing and anyone could fill the record with them.
//
// A refusal that cannot be recorded is the service's own trouble, whatever it was.
func (a *API) record(c *call, err error) error {
	if c.route == "" || audit.IsRecorded(err) {
		return err
	}
	omitted := int64(0)
	if c.principal.IsZero() {
		var due bool
		if due, omitted = a.strangers.take(a.Now()); !due {
			return err
		}
	}
	// The entry is due even if the client has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.context()), a.Limits.Answer)
	defer cancel()
	entry := a.refusal(c, err)
	if omitted > 0 {
		entry.Details["omittedBefore"] = strconv.FormatInt(omitted, 10)
	}
	if failed := a.Audit.Append(ctx, entry); failed != nil {
		return unrecorded(failed, err)
	}
	return err
}

// unrecorded has both errors as texts: neither may decide on the answer any more. All
// that the caller learns is whether it can help to try again later.
func unrecorded(failed, refusal error) error {
	trouble := errors.New(fmt.Sprint("recording a refusal: ", failed, "; it was: ", refusal))
	if fault.KindOf(failed) == fault.Unavailable {
		return fault.New(fault.Unavailable, "record.unavailable", "the service cannot reach its database: try again later").Because(trouble)
	}
	return trouble
}

func (a *API) refusal(c *call, err error) audit.Entry {
	entry := audit.Entry{
		Time:    challenge.MillisOf(a.Now()),
		Kind:    audit.RequestRefused,
		Org:     c.principal.Org(),
		User:    c.principal.User(),
		Token:   c.principal.Token(),
		Request: c.Request().Method + " " + c.path(),
		Key:     string(c.key),
		Reason:  fault.ReasonOf(err),
		Details: map[string]string{"errorId": c.id},
	}
	if !c.proof.IsZero() {
		signed := c.proof.Signed()
		entry.Credential, entry.Action = signed.Credential, signed.ID().String()
	}
	return entry
}
