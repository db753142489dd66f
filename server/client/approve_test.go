package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
	"keyferry/shares/recovery"
)

const approvedKey = "key-1"

func newRequest(t *testing.T) recovery.Request {
	t.Helper()
	home, err := recovery.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.Destroy)
	return home.Request()
}

// clerk answers approvals as the API does, until answer says otherwise.
type clerk struct {
	liar
	answer string
	kept   *http.Request
}

func (k *clerk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/export") {
		k.liar.ServeHTTP(w, r)
		return
	}
	k.kept = r
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, k.answer)
}

func answerTo(t *testing.T, r recovery.Request, expires time.Time) string {
	t.Helper()
	key, err := r.Key()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"keyId": approvedKey, "encryptionKeyHash": fmt.Sprintf("%x", key.Hash()), "expiresAt": expires.Format(time.RFC3339),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestApproveSignsTheExportAndLeavesIt(t *testing.T) {
	request, expires := newRequest(t), time.Now().Add(time.Minute).UTC().Truncate(time.Second)
	var asked challenge.Request
	k := &clerk{answer: answerTo(t, request, expires)}
	k.lie = func(_ *initAnswer, r challenge.Request) { asked = r }
	approval, err := connect(t, k).Approve(context.Background(), approvedKey, request)
	if err != nil || !approval.ExpiresAt.Equal(expires) {
		t.Errorf("%+v, %v", approval, err)
	}
	if k.kept.Header.Get("X-Keyferry-Approval") != "true" || k.kept.Header.Get("X-Dfns-Useraction") == "" || k.kept.Method != "POST" {
		t.Errorf("sent %s with %v", k.kept.Method, k.kept.Header)
	}
	signed, err := recovery.ParseRequest([]byte(asked.Payload))
	if err != nil || signed.EncryptionKey != request.EncryptionKey || asked.Path != "/keys/key-1/export" {
		t.Errorf("signed %+v: %v", asked, err)
	}
}

func TestApproveSignsNothingElse(t *testing.T) {
	k := &clerk{}
	k.lie = func(a *initAnswer, _ challenge.Request) {
		a.Input.PayloadHash = challenge.HashPayload("{}")
		a.Challenge = a.Input.Challenge()
	}
	c := connect(t, k)
	if _, err := c.Approve(context.Background(), approvedKey, newRequest(t)); !errors.Is(err, ErrChallenge) || k.kept != nil {
		t.Errorf("another export: %v", err)
	}
	c.config.Expect.Organisation = ""
	if _, err := c.Approve(context.Background(), approvedKey, newRequest(t)); err == nil {
		t.Error("approved in any organisation")
	}
	c.config.Expect.Organisation = testOrganisation
	if _, err := c.Approve(context.Background(), "", newRequest(t)); err == nil {
		t.Error("approved no key's export")
	}
	if _, err := c.Approve(context.Background(), approvedKey, recovery.Request{EncryptionKey: "x"}); !errors.Is(err, recovery.ErrRequest) {
		t.Errorf("no request: %v", err)
	}
	k.signedNothing(t)
}

func TestApprovalThatIsNotKeptIsAnError(t *testing.T) {
	request := newRequest(t)
	for name, answer := range map[string]string{
		"an export's answer": `{"publicKey":"02","encryptedKeyShares":[]}`,
		"another request's":  answerTo(t, newRequest(t), time.Now()),
		"another key's":      strings.Replace(answerTo(t, request, time.Now()), approvedKey, "key-2", 1),
	} {
		if _, err := connect(t, &clerk{answer: answer}).Approve(context.Background(), approvedKey, request); !errors.Is(err, ErrNotKept) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
