//go:build cgo

package hostile

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"keyferry/server/audit"
	"keyferry/server/client"
	"keyferry/server/identity"
	"keyferry/server/signer"
	"keyferry/server/signer/trust"
	"keyferry/server/useraction"
	"keyferry/test/rig"
)

// demandApproval has the victim's root demand an approval, and returns who may give it:
// a colleague of the victim, with a credential that is only used with clients that check.
func (s *stage) demandApproval(t *testing.T) *rig.Account {
	t.Helper()
	approver := s.Account(t, s.victim.User.Org, identity.Permissions()...)
	s.documents.Trust(t, approver)
	s.documents.Publish(t, approver.User.Org, func(d *trust.Document) {
		d.Export.Approvals = 1
		at := slices.IndexFunc(d.Credentials, func(c trust.Credential) bool { return c.ID == approver.Credential.ID })
		d.Credentials[at].Approves = true
	})
	return approver
}

// as is a client of another user than the victim.
func as(t *testing.T, account *rig.Account) func(*client.Config) {
	return func(c *client.Config) {
		credential, err := client.ParseCredential(string(account.Credential.ID), account.PrivateKey(t))
		must(t, err)
		c.Token, c.Credential, c.Expect.User = account.Token, credential, string(account.User.ID)
	}
}

// steal has the blind victim sign the attacker's export.
func (s *stage) steal(t *testing.T) useraction.Signed {
	t.Helper()
	attack := s.substitute(t, shows()["says what was asked for"])
	path, body := s.harmless(t)
	(&sdk{url: s.server.URL, account: s.victim}).post(t, path, body)
	if attack.stolen == nil {
		t.Fatal("the blind client signed nothing")
	}
	return *attack.stolen
}

// keepsShares checks that no signer does what the action says, whatever goes with it.
func (s *stage) keepsShares(t *testing.T, name string, action useraction.Signed, approvals ...useraction.Signed) {
	t.Helper()
	for i, one := range s.signers {
		share, err := one.Export(context.Background(), signer.Request{Action: action, Approvals: approvals})
		if !errors.Is(err, signer.ErrApproval) || share.Ciphertext != nil {
			t.Errorf("%s: signer %d: %v", name, i, err)
		}
	}
}

// The blind client's signature is not enough any more, and there is no way to the other
// one: what the approver's client signs is what the approver means.
func TestWithAnApprovalDemandedASubstitutedChallengeIsWorthNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	approver := s.demandApproval(t)
	before := s.releases(t)
	stolen, again := s.steal(t), s.steal(t)
	s.keepsShares(t, "alone", stolen)
	s.keepsShares(t, "as its own approval", stolen, stolen)
	s.keepsShares(t, "with another one of the same user", stolen, again)
	other := s.Account(t, s.victim.User.Org, identity.Permissions()...)
	s.documents.Trust(t, other)
	s.keepsShares(t, "with a user's who may not approve", stolen, other.Sign(t, stolen.Input.Path, stolen.Payload))
	s.keepsShares(t, "with the thief's", stolen, s.thief.Sign(t, stolen.Input.Path, stolen.Payload))
	for name, approval := range map[string]useraction.Signed{
		"another request": approver.Sign(t, exportPath(s.key), exportBody(t, s.client)),
		"another key":     approver.Sign(t, exportPath(s.other), stolen.Payload),
	} {
		s.keepsShares(t, "with an honest approval of "+name, stolen, approval)
		approval.Payload, approval.Input.Path, approval.Input.PayloadHash = stolen.Payload, stolen.Input.Path, stolen.Input.PayloadHash
		s.keepsShares(t, "with the same, edited", stolen, approval)
	}
	if after := s.releases(t); after != before {
		t.Errorf("%d shares were released", after-before)
	}
	recovers(t, s.givesApproved(t, stolen, approver.Sign(t, stolen.Input.Path, stolen.Payload)), s.attacker) // it lacked nothing else
}

func (s *stage) givesApproved(t *testing.T, action useraction.Signed, approval useraction.Signed) (given []signer.SealedShare) {
	t.Helper()
	for _, one := range s.signers {
		share, err := one.Export(context.Background(), signer.Request{Action: action, Approvals: []useraction.Signed{approval}})
		must(t, err)
		given = append(given, share)
	}
	return given
}

// The attacker tries the same on the approver, while he approves something honest.
func TestAnApproverCannotBeMadeToApproveSomethingElse(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	approver := s.demandApproval(t)
	for name, shown := range shows() {
		t.Run(name, func(t *testing.T) {
			attack := s.substituteFor(t, approver, shown)
			_, err := s.caller(t, as(t, approver)).Approve(context.Background(), string(s.key), s.client.Request())
			if !errors.Is(err, client.ErrChallenge) || attack.stolen != nil {
				t.Errorf("our client: %v; signed: %v", err, attack.stolen != nil)
			}
			blind := &sdk{url: s.guard(t), account: approver}
			if answer := blind.post(t, exportPath(s.key), exportBody(t, s.client)); answer.status != http.StatusBadGateway || attack.stolen != nil {
				t.Errorf("through the guard: %d %s", answer.status, answer.body)
			}
		})
	}
}

// The server keeps approvals, and can lose them or show them with other exports. That
// stops exports, and opens nothing.
func TestAnHonestApprovalIsGoodForTheHonestExport(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	approver := s.demandApproval(t)
	_, err := s.caller(t).Export(context.Background(), string(s.key), s.client)
	if refused, ok := errors.AsType[*client.APIError](err); !ok || refused.Status != http.StatusForbidden {
		t.Errorf("without approval: %v", err)
	}
	if last := s.lastExport(t); last.Outcome != audit.Void || last.Reason != signer.ErrApproval.Reason {
		t.Errorf("the API's record is %+v", last)
	}
	if key, err := s.Store.Key(context.Background(), s.victim.User.Org, s.key); err != nil || key.Exported() {
		t.Errorf("nothing was released, and the key counts as exported: %v", err)
	}
	if _, err := s.caller(t, as(t, approver)).Approve(context.Background(), string(s.key), s.client.Request()); err != nil {
		t.Fatal(err)
	}
	_, err = s.caller(t).Export(context.Background(), string(s.key), s.attacker)
	if refused, ok := errors.AsType[*client.APIError](err); !ok || refused.Status != http.StatusForbidden {
		t.Errorf("to another encryption key: %v", err)
	}
	recovered, err := s.recoverKey(t)
	must(t, err)
	if len(recovered.Bad) != 0 {
		t.Errorf("bad shares: %v", recovered.Bad)
	}
	for _, own := range s.Stores {
		for _, released := range entries(t, own, audit.ShareReleased) {
			if released.Details[audit.ApprovedBy] != string(approver.User.ID) {
				t.Errorf("a signer has recorded %v", released.Details)
			}
		}
	}
	_, err = s.caller(t).Export(context.Background(), string(s.key), s.client)
	if refused, ok := errors.AsType[*client.APIError](err); !ok || refused.Status != http.StatusForbidden {
		t.Errorf("a second export on one approval: %v", err)
	}
}
