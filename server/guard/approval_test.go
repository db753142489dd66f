package guard

import (
	"net/http"
	"strings"
	"testing"

	"keyferry/shares/envelope/envelopetest"
)

// approve asks as do does, with the header of an approval.
func (s *scene) approve(t *testing.T, body string, values ...string) got {
	t.Helper()
	request, err := http.NewRequest("POST", s.url+wantsPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header["X-Keyferry-Approval"] = values
	return s.send(request)
}

func TestApprovalPassesWithItsHeader(t *testing.T) {
	s := newScene(t)
	text := `{"keyId":"key-1","encryptionKeyHash":"00","expiresAt":"2026-11-01T12:01:00Z"}`
	s.lie = func(a *scripted) { a.text = text }
	answer := s.approve(t, exportBody(envelopetest.EncryptionKey(t)), "true")
	requests := s.requests()
	if answer.status != 200 || answer.body != text || requests[len(requests)-1].header.Get("X-Keyferry-Approval") != "true" {
		t.Errorf("got %+v of %+v", answer, requests)
	}
}

// An approval brings no shares, so what comes with some was not one for the server.
func TestApprovalBringsNoShares(t *testing.T) {
	for name, lie := range map[string]func(a *scripted){
		"an honest export":   func(*scripted) {},
		"no list of shares":  func(a *scripted) { a.text = `{"encryptedKeyShares":null}` },
		"a share in capital": func(a *scripted) { a.text = `{"EncryptedKeyShares":[]}` },
		"no JSON":            func(a *scripted) { a.text = "<html>" },
		"another success":    func(a *scripted) { a.status = 202; a.text = "{}" },
	} {
		s := newScene(t)
		s.lie = lie
		if answer := s.approve(t, exportBody(envelopetest.EncryptionKey(t)), "true"); !answer.isRefusal(502, "") {
			t.Errorf("%s: got %+v", name, answer)
		}
	}
}

func TestApprovalOfNothingIsNotSent(t *testing.T) {
	s := newScene(t)
	for _, body := range []string{"{}", "", `{"encryptionKey":"AQ=="}`} {
		if answer := s.approve(t, body, "true"); !answer.isRefusal(400, "") || len(s.requests()) != 0 {
			t.Errorf("%q: got %+v", body, answer)
		}
	}
}
