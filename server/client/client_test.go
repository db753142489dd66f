package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestNewRefusesUnsafeAddresses(t *testing.T) {
	for _, address := range []string{
		"", "keys.example.com", "http://keys.example.com", "http://localhost.example.com", "ftp://127.0.0.1",
		"https://user:password@keys.example.com", "https://keys.example.com/api", "https://keys.example.com?x=1", "https://",
	} {
		if _, err := New(Config{URL: address, Token: testToken}); err == nil {
			t.Errorf("took %q", address)
		}
	}
	for _, address := range []string{"https://keys.example.com", "https://keys.example.com:8443/", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"} {
		if _, err := New(Config{URL: address, Token: testToken}); err != nil {
			t.Error(err)
		}
	}
	if _, err := New(Config{URL: "https://keys.example.com"}); err == nil {
		t.Error("took no token")
	}
}

// answer serves one fixed answer to everything.
func answer(status int, kind, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

func TestClientFollowsNoRedirect(t *testing.T) {
	var reached bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(elsewhere.Close)
	c := connect(t, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	_, err := c.Key(context.Background(), "key-1")
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusTemporaryRedirect || reached {
		t.Errorf("got %v; reached elsewhere: %v", err, reached)
	}
}

func TestClientRefusesEndlessAnswers(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<16))
		for range 2 * maxAnswer / len(chunk) {
			w.Write(chunk)
		}
	}))
	if _, err := c.Key(context.Background(), "key-1"); err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("got %v", err)
	}
}

func TestClientGivesUpOnASilentServer(t *testing.T) {
	done := make(chan struct{})
	c := connect(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(func() { close(done) })
	c.http.Timeout = 50 * time.Millisecond
	if _, err := c.Key(context.Background(), "key-1"); err == nil {
		t.Error("no error")
	}
}

func TestClientRefusesAnswersThatAreNotStrictJSON(t *testing.T) {
	for name, handler := range map[string]http.Handler{
		"a page":           answer(200, "text/html", "<html>"),
		"JSON as text":     answer(200, "text/plain", `{"id":"key-1"}`),
		"repeated members": answer(200, "application/json", `{"id":"key-1","id":"key-2"}`),
		"two values":       answer(200, "application/json", `{"id":"key-1"}{}`),
		"an array":         answer(200, "application/json", `[]`),
		"invalid UTF-8":    answer(200, "application/json", "{\"id\":\"\xff\"}"),
		"accepted, later":  answer(202, "application/json", `{"id":"cr-1","status":"Pending"}`),
	} {
		t.Run(name, func(t *testing.T) {
			if key, err := connect(t, handler).Key(context.Background(), "key-1"); err == nil {
				t.Errorf("took it as %+v", key)
			}
		})
	}
}

func TestRefusalsAreShownWithoutControlCharacters(t *testing.T) {
	body := `{"error":{"id":"er-1","status":403,"message":"no \u001b[31m permission"},"message":"no"}`
	_, err := connect(t, answer(403, "application/json", body)).Key(context.Background(), "key-1")
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != 403 || refused.ID != "er-1" || refused.Message != "no ?[31m permission" {
		t.Errorf("got %v", err)
	}
}

func TestRequestsCarryTheTokenAndNoBodyOnGet(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%q,"name":%q}`, r.Header.Get("Authorization"), r.Header.Get("Content-Type"))
	}))
	key, err := c.Key(context.Background(), "key-1")
	if err != nil || key.ID != "Bearer "+testToken || key.Name != "" {
		t.Errorf("got %+v, %v", key, err)
	}
}

func TestKeysGoesThroughAllPagesAndEnds(t *testing.T) {
	pages := map[string]string{
		"":  `{"items":[{"id":"key-1"},{"id":"key-2"}],"nextPageToken":"a"}`,
		"a": `{"items":[{"id":"key-3"}]}`,
	}
	list := func(pages map[string]string) (ids string, last error) {
		c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, pages[r.URL.Query().Get("paginationToken")])
		}))
		for key, err := range c.Keys(context.Background()) {
			ids, last = ids+key.ID+" ", err
		}
		return ids, last
	}
	if ids, err := list(pages); err != nil || ids != "key-1 key-2 key-3 " {
		t.Errorf("listed %s, %v", ids, err)
	}
	pages["a"] = `{"items":[],"nextPageToken":"a"}`
	if _, err := list(pages); err == nil {
		t.Error("a page token that comes again is taken")
	}
}

func TestParseCredentialRefusesOtherKeys(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"P-384": pkcs8(t, p384), "RSA": pkcs8(t, rsaKey), "nothing": nil,
		"not a key": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
	} {
		if _, err := ParseCredential(testCredential, text); err == nil {
			t.Errorf("took %s", name)
		}
	}
	good, _ := ed25519Credential(t)
	if text := fmt.Sprintf("%v %+v %#v %s", good, good, good, good); strings.Contains(text, "key:") || !strings.Contains(text, testCredential) {
		t.Errorf("prints as %s", text)
	}
}

func TestClientWithoutCredentialSignsNothing(t *testing.T) {
	server := &liar{}
	c := connect(t, server)
	c.config.Credential = nil
	if err := post(c); err == nil {
		t.Error("no error")
	}
	server.signedNothing(t)
}
