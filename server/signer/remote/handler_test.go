//go:build cgo

package remote_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"keyferry/server/keyring"
	"keyferry/server/signer"
	"keyferry/server/signer/remote"
)

// question is answered by a handler, past any connection.
func question(t *testing.T, discard func(context.Context, keyring.KeyID) error, request *http.Request) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log bytes.Buffer
	handler, err := remote.NewHandler(newScripted(t, newPair(t), discard), slog.New(slog.NewTextHandler(&log, nil)), 1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request)
	return w, log.String()
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestQuestionsThatCannotBeReadAreRefused(t *testing.T) {
	never := func(context.Context, keyring.KeyID) error { t.Error("reached"); return nil }
	plain := post("/v1/discard", `{"keyId":"key-1"}`)
	plain.Header.Set("Content-Type", "text/plain")
	for name, r := range map[string]*http.Request{
		"not JSON":          plain,
		"nothing":           post("/v1/discard", ""),
		"a member twice":    post("/v1/discard", `{"keyId":"key-1","keyId":"key-2"}`),
		"another case":      post("/v1/discard", `{"KeyID":"key-1"}`),
		"an unknown member": post("/v1/discard", `{"keyId":"key-1","force":true}`),
		"two values":        post("/v1/discard", `{"keyId":"key-1"}{}`),
		"invalid UTF-8":     post("/v1/discard", "{\"keyId\":\"\xff\"}"),
		"too much":          post("/v1/discard", `{"keyId":"`+strings.Repeat("k", 2000)+`"}`),
		"no key":            post("/v1/discard", `{"keyId":""}`),
		"a long key":        post("/v1/discard", `{"keyId":"`+strings.Repeat("k", 65)+`"}`),
		"an unknown path":   post("/v2/discard", `{"keyId":"key-1"}`),
		"another method":    httptest.NewRequest("GET", "/v1/discard", nil),
		"a bad receipt":     post("/v1/commit", `{"organisation":"or-1","keyId":"key-1","receipts":[{}]}`),
		"no input":          post("/v1/export", `{"input":7}`),
		"no approvals":      post("/v2/export", `{"action":{},"approvals":[]}`),
		"half an approval":  post("/v2/export", `{"action":{},"approvals":[{"input":7}]}`),
		"approvals in v1":   post("/v1/export", `{"approvals":[]}`),
		"many approvals":    post("/v2/export", `{"action":{},"approvals":[`+strings.Repeat(`{},`, signer.MaxApprovals)+`{}]}`),
	} {
		w, _ := question(t, never, r)
		if w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), `"reason":"signer.`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestWhatIsAskedAtATimeIsBounded(t *testing.T) {
	var inner *httptest.ResponseRecorder
	var handler *remote.Handler
	s := newScripted(t, newPair(t), func(context.Context, keyring.KeyID) error {
		inner = httptest.NewRecorder()
		handler.ServeHTTP(inner, post("/v1/discard", `{"keyId":"key-1"}`))
		return nil
	})
	handler, err := remote.NewHandler(s, slog.New(slog.DiscardHandler), 1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	outer := httptest.NewRecorder()
	handler.ServeHTTP(outer, post("/v1/discard", `{"keyId":"key-1"}`))
	if outer.Code != 200 || inner.Code != 503 || !strings.Contains(inner.Body.String(), "signer.unavailable") {
		t.Errorf("%d, and meanwhile %d %s", outer.Code, inner.Code, inner.Body)
	}
}

func TestTheCauseStaysInTheSignersLog(t *testing.T) {
	refuse := func(context.Context, keyring.KeyID) error { return signer.ErrCommitted.Because(errors.New("row 7")) }
	w, log := question(t, refuse, post("/v1/discard", `{"keyId":"key-1"}`))
	if strings.Contains(w.Body.String(), "row 7") || !strings.Contains(log, "row 7") || !strings.Contains(log, "key-1") {
		t.Errorf("answered %s, logged %s", w.Body, log)
	}
	trouble := func(context.Context, keyring.KeyID) error { return errors.New("disk sda1") }
	if w, log = question(t, trouble, post("/v1/discard", `{"keyId":"key-1"}`)); w.Code != 500 || w.Body.String() != "{}" || !strings.Contains(log, "sda1") {
		t.Errorf("answered %d %s, logged %s", w.Code, w.Body, log)
	}
}
