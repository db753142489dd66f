package api

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/identity"
	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/transfer"
	"keyferry/server/useraction"
)

// place is where a user's one approval of a key's exports is.
type place struct {
	org  identity.OrgID
	key  keyring.KeyID
	user identity.UserID
}

// leftApproval is an approval that was left with the server.
type leftApproval struct {
	transfer.Approval
	action string
}

func (b *book) Approve(_ context.Context, action string, a transfer.Approval, entry audit.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.redeem(action); err != nil {
		return err
	}
	b.approvals[place{a.Org, a.Key, a.User}] = leftApproval{a, action}
	b.entries = append(b.entries, entry)
	return nil
}

func (b *book) Approvals(_ context.Context, wanted transfer.Approval, limit int) (found []useraction.Signed, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, left := range b.approvals {
		fits := left.Org == wanted.Org && left.Key == wanted.Key && left.EncryptionKey == wanted.EncryptionKey
		if !fits || left.User == wanted.User || !left.ExpiresAt.After(wanted.At) {
			continue
		}
		found = append(found, b.actions[left.action].Signed)
	}
	slices.SortFunc(found, func(a, b useraction.Signed) int { return cmp.Compare(b.Input.ExpiresAt, a.Input.ExpiresAt) })
	return found[:min(limit, len(found))], nil
}

// approval returns a request that leaves an approval.
func (s *service) approval(t testing.TB, by caller, path, body string) *http.Request {
	t.Helper()
	r := s.signed(t, by, path, body)
	r.Header.Set("X-KEYFERRY-APPROVAL", "true")
	return r
}

// approvers is the users whose approvals came with the last export to the first signer.
func (s *service) approvers() (users []identity.UserID) {
	s.holders[0].mu.Lock()
	defer s.holders[0].mu.Unlock()
	for _, approval := range s.holders[0].asked.Approvals {
		users = append(users, identity.UserID(approval.Input.User))
	}
	return users
}

func (s *service) exports(t testing.TB, by caller, body string) []identity.UserID {
	t.Helper()
	if got := s.do(t, s.signed(t, by, exportPath(sampleKey), body)); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.text)
	}
	return s.approvers()
}

func TestApprovalShapeAndWhatIsRecorded(t *testing.T) {
	s := newService(t)
	bob, body := s.caller(t, "bob", "or-one", identity.KeysExport), exportText(t)
	order, err := signer.ParseExport([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	hash := order.EncryptionKey.Hash()
	expect(t, s.do(t, s.approval(t, bob, exportPath(sampleKey), body)), map[string]any{
		"keyId": string(sampleKey), "encryptionKeyHash": hex.EncodeToString(hash[:]), "expiresAt": "2026-11-01T12:01:00.123Z",
	})
	recorded := s.book.recorded(audit.ExportApproved)
	if len(recorded) != 1 || recorded[0].User != bob.ID || recorded[0].Credential != bob.credential || recorded[0].Key != string(sampleKey) ||
		recorded[0].Details[audit.EncryptionKeyHash] != hex.EncodeToString(hash[:]) || len(recorded[0].Action) != 64 {
		t.Errorf("recorded %+v", recorded)
	}
	if key := s.book.keys[sampleKey]; key.Exported() || len(s.book.recorded(audit.ExportBegun)) != 0 {
		t.Error("an approval counts as an export")
	}
}

// Signers are shown what others have left for this very export, and nothing else.
func TestExportCarriesTheApprovalsOfOthersForThisVeryRequest(t *testing.T) {
	s := newService(t)
	alice, bob, carol := s.alice(t), s.caller(t, "bob", "or-one", identity.KeysExport), s.caller(t, "carol", "or-one", identity.KeysExport)
	body, other := exportText(t), exportText(t)
	s.do(t, s.approval(t, bob, exportPath(sampleKey), body))
	s.do(t, s.approval(t, alice, exportPath(sampleKey), body))
	if got := s.exports(t, alice, body); !slices.Equal(got, []identity.UserID{bob.ID}) {
		t.Errorf("with his own and another's: %v", got)
	}
	begun := s.book.recorded(audit.ExportBegun)[0]
	if approved := s.book.recorded(audit.ExportApproved)[0]; begun.Details[audit.ApprovedBy] != string(bob.ID) || begun.Details[audit.Approvals] != approved.Action {
		t.Errorf("recorded %v", begun.Details)
	}
	if got := s.exports(t, alice, other); got != nil {
		t.Errorf("to another encryption key: %v", got)
	}
	schemes := strings.Replace(body, "CGGMP24", "CGGMP21", 1)
	if got := s.exports(t, alice, schemes); got != nil {
		t.Errorf("with other schemes: %v", got)
	}
	s.wait(time.Second)
	s.do(t, s.approval(t, carol, "/wallets/"+string(sampleKey.Wallet())+"/export", strings.Replace(body, "{", "{ ", 1)))
	if got := s.exports(t, alice, body); !slices.Equal(got, []identity.UserID{carol.ID, bob.ID}) {
		t.Errorf("with two, the later first: %v", got)
	}
	s.do(t, s.approval(t, bob, exportPath(sampleKey), other))
	if got := s.exports(t, alice, body); !slices.Equal(got, []identity.UserID{carol.ID}) {
		t.Errorf("behind another approval of the same user: %v", got)
	}
	s.wait(time.Minute)
	if got := s.exports(t, alice, body); got != nil {
		t.Errorf("after they expired: %v", got)
	}
}

func TestApprovalRefuses(t *testing.T) {
	s := newService(t)
	bob, clerk, stranger := s.caller(t, "bob", "or-one", identity.KeysExport), s.caller(t, "clerk", "or-one", identity.KeysRead), s.caller(t, "mallory", "or-two", identity.Permissions()...)
	body := exportText(t)
	header := func(values ...string) *http.Request {
		r := s.signed(t, bob, exportPath(sampleKey), body)
		for _, value := range values {
			r.Header.Add(headerApproval, value)
		}
		return r
	}
	unsigned := s.request(t, bob, "POST", exportPath(sampleKey), body)
	unsigned.Header.Set(headerApproval, "true")
	long := strings.Replace(body, "{", `{"note":"`+strings.Repeat("x", signer.MaxApprovalBytes)+`",`, 1)
	foreign := strings.Replace(body, "secp256k1", "stark", 1)
	for name, test := range map[string]struct {
		by      caller
		request *http.Request
		want    refusal
	}{
		"without consent":       {bob, unsigned, refusal{http.StatusForbidden, "action.missing"}},
		"without permission":    {clerk, s.approval(t, clerk, exportPath(sampleKey), body), refusal{http.StatusForbidden, "permission.missing"}},
		"of another's key":      {stranger, s.approval(t, stranger, exportPath(sampleKey), body), refusal{http.StatusNotFound, "key.unknown"}},
		"that is too long":      {bob, s.approval(t, bob, exportPath(sampleKey), long), refusal{http.StatusBadRequest, "approval.size"}},
		"for no scheme of hers": {bob, s.approval(t, bob, exportPath(sampleKey), foreign), refusal{http.StatusBadRequest, "export.scheme"}},
		"said otherwise":        {bob, header("1"), refusal{http.StatusBadRequest, "request.malformed"}},
		"said in capitals":      {bob, header("True"), refusal{http.StatusBadRequest, "request.malformed"}},
		"denied":                {bob, header("false"), refusal{http.StatusBadRequest, "request.malformed"}},
		"said with nothing":     {bob, header(""), refusal{http.StatusBadRequest, "request.malformed"}},
		"said twice":            {bob, header("true", "true"), refusal{http.StatusBadRequest, "request.malformed"}},
	} {
		t.Run(name, func(t *testing.T) { s.expectRefusal(t, test.request, test.by, test.want) })
	}
	if len(s.book.recorded(audit.ExportApproved))+len(s.book.recorded(audit.ExportBegun)) != 0 {
		t.Error("something was done")
	}
}

// One action is one approval, or one export.
func TestApprovalRedeemsItsAction(t *testing.T) {
	s := newService(t)
	bob, body := s.caller(t, "bob", "or-one", identity.KeysExport), exportText(t)
	first := s.approval(t, bob, exportPath(sampleKey), body)
	again := func(approval bool) *http.Request {
		r := s.request(t, bob, "POST", exportPath(sampleKey), body)
		r.Header.Set(headerAction, first.Header.Get(headerAction))
		if approval {
			r.Header.Set(headerApproval, "true")
		}
		return r
	}
	var all sync.WaitGroup
	statuses := make([]int, 16)
	for i := range statuses {
		r := again(true)
		all.Go(func() {
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			statuses[i] = response.StatusCode
		})
	}
	all.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusOK || statuses[1] != http.StatusBadRequest || len(s.book.recorded(audit.ExportApproved)) != 1 {
		t.Errorf("answered %v", statuses)
	}
	s.expectRefusal(t, again(false), bob, refusal{http.StatusBadRequest, "action.replayed"})
}

func TestExportThatLacksApprovalsSaysWhatToDo(t *testing.T) {
	s := newService(t)
	for _, one := range s.holders {
		one.refuse(signer.ErrApproval.Because(fmt.Errorf("0 of 1")))
	}
	alice := s.alice(t)
	got := s.do(t, s.signed(t, alice, exportPath(sampleKey), exportText(t)))
	expectError(t, got, http.StatusForbidden)
	if !strings.Contains(got.text, "keyferry approve") || strings.Contains(got.text, "0 of 1") {
		t.Errorf("answered %s", got.text)
	}
	finished := s.book.recorded(audit.ExportFinished)
	if len(finished) != 1 || finished[0].Outcome != audit.Void || finished[0].Reason != signer.ErrApproval.Reason {
		t.Errorf("recorded %+v", finished)
	}
}
