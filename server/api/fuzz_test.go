package api

import (
	"bufio"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"keyferry/server/challenge"
)

// recorder is a response that has no connection whose reads could be slow.
type recorder struct{ *httptest.ResponseRecorder }

func (recorder) SetReadDeadline(time.Time) error { return nil }

// FuzzAnyRequest holds that whatever is asked, the answer is one JSON object and no
// redirect; that an error's object says the status; and that nothing is done where
// the target is not a path in its normal form.
func FuzzAnyRequest(f *testing.F) {
	s := newService(f)
	s.api.Log = slog.New(slog.DiscardHandler)
	alice := s.alice(f)
	for _, seed := range []struct{ method, target, body string }{
		{"GET", "/keys", ""}, {"GET", "//keys?limit=1", ""}, {"POST", "/keys/import", s.importText(f)},
		{"POST", exportPath(sampleKey), exportText(f)}, {"POST", "/auth/action/init", initText(f, "POST", "/keys/import", "{}")},
		{"POST", "/auth/action", `{"challengeIdentifier":"ch-1","firstFactor":{}}`}, {"OPTIONS", "*", ""}, {"GET", "/%2e/keys", ""},
		{"GET", "http://a/keys", ""}, {"CONNECT", "a:1", ""}, {"HEAD", "/signers", ""}, {"GET", "/keys/%F0%9F%94%91", ""},
	} {
		f.Add(seed.method, seed.target, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head(alice, method, target) + "\r\n")))
		if err != nil {
			return // net/http's own refusal
		}
		r.Header.Set("Content-Type", "application/json")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		defer s.book.forget()
		to := recorder{httptest.NewRecorder()}
		s.api.ServeHTTP(to, r)
		got := read(t, "", to.Result())
		if got.status == http.StatusOK {
			if _, err := challenge.NormalPath(r.URL.EscapedPath()); err != nil {
				t.Fatalf("%q was served", target)
			}
			return
		}
		expectError(t, got, got.status)
		if got.status < 400 || got.status >= 500 {
			t.Fatalf("%s %q: %d", method, target, got.status)
		}
	})
}
