package guard

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyferry/shares/attest/attesttest"
	"keyferry/shares/envelope/envelopetest"
	"keyferry/shares/manifest"
)

func TestRequestsAreForwardedByteForByte(t *testing.T) {
	s := newScene(t)
	body := " {\"name\" : \"\\u003c\u00e9\", \"n\":1.0}\n"
	for _, uri := range []string{"/keys/import", "//keys//import?a=%2f&b", "/keys/a%2Db?", "/keys/schl%C3%BCssel", "/keys/a+b;c"} {
		s.do("POST", uri, body)
		requests := s.requests()
		last := requests[len(requests)-1]
		if last.method != "POST" || last.uri != uri || last.body != body {
			t.Errorf("%s became %+v", uri, last)
		}
	}
}

func TestHeadersArePassedOnButForTheConnectionsOwn(t *testing.T) {
	s := newScene(t)
	s.lie = func(a *scripted) {
		a.header.Set("X-More", "1")
		a.header.Set("Retry-After", "2")
		a.header.Set("Alt-Svc", `h2="evil.example:443"`)
	}
	request, err := http.NewRequest("GET", s.url+"/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Dfns-Useraction": "ua", "X-Dfns-Nonce": "n", "Authorization": "Bearer t", "User-Agent": "sdk/1",
		"Accept-Encoding": "gzip,deflate", "Connection": "X-Hop", "X-Hop": "1", "Te": "trailers", "Proxy-Authorization": "secret",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	arrived := s.requests()[0].header
	want := http.Header{
		"X-Dfns-Useraction": {"ua"}, "X-Dfns-Nonce": {"n"}, "Authorization": {"Bearer t"}, "User-Agent": {"sdk/1"}, "Accept-Encoding": {"identity"},
	}
	if fmt.Sprint(arrived) != fmt.Sprint(want) {
		t.Errorf("arrived %v", arrived)
	}
	if back := response.Header; back.Get("X-More") != "1" || back.Get("Retry-After") != "2" || back.Get("Alt-Svc") != "" {
		t.Errorf("came back %v", back)
	}
}

func TestErrorsOfTheAPIPassUnchanged(t *testing.T) {
	s := newScene(t)
	text := `{"error":{"id":"er-1","status":403,"message":"no"},"message":"no"}`
	s.lie = func(a *scripted) { a.status, a.text = 403, text }
	for _, answer := range []got{s.init(), s.do("GET", "/signers", ""), s.do("POST", wantsPath, exportBody(envelopetest.EncryptionKey(t))), s.do("GET", "/keys", "")} {
		if answer.status != 403 || answer.body != text {
			t.Errorf("got %+v", answer)
		}
	}
}

// A redirect would lead the client to where nothing is checked.
func TestRedirectsAreRefusedOnEveryPath(t *testing.T) {
	s := newScene(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.lie = func(a *scripted) {
			a.status, a.text = status, "{}"
			a.header.Set("Location", "http://127.0.0.1:1/auth/action/init")
		}
		for _, answer := range []got{s.init(), s.do("GET", "/signers", ""), s.do("GET", "/keys", ""), s.do("POST", "/auth/action", "{}")} {
			if !answer.isRefusal(502, "redirects") || answer.header.Get("Location") != "" {
				t.Errorf("%d: got %+v", status, answer)
			}
		}
	}
	if asked := len(s.requests()); asked != 5*4 {
		t.Errorf("the upstream was asked %d times", asked)
	}
}

func TestAnswersThatCannotBeReadAreRefused(t *testing.T) {
	for name, lie := range map[string]func(a *scripted){
		"compressed": func(a *scripted) { a.header.Set("Content-Encoding", "gzip") },
		"too long":   func(a *scripted) { a.text = strings.Repeat(" ", maxAnswer+1) },
		"truncated":  func(a *scripted) { a.text = "{}"; a.header.Set("Content-Length", "10") },
	} {
		s := newScene(t)
		s.lie = lie
		if answer := s.do("GET", "/keys", ""); !answer.isRefusal(502, "the API") {
			t.Errorf("%s: got status %d, %.300s", name, answer.status, answer.body)
		}
	}
}

func TestTooLongARequestIsRefused(t *testing.T) {
	s := newScene(t)
	if answer := s.do("POST", "/keys/import", strings.Repeat("x", maxRequest+1)); !answer.isRefusal(413, "longer than") || len(s.requests()) != 0 {
		t.Errorf("got %+v", answer)
	}
}

// The answer to a challenge brings the payload back, with 16/9 of its length.
func TestWhateverPayloadIsStatedCanBeSigned(t *testing.T) {
	s := newScene(t)
	payload := strings.Repeat("x", maxRequest-len(statedBody("POST", "/keys/import", "")))
	if answer := s.do("POST", "/auth/action/init", statedBody("POST", "/keys/import", payload)); answer.status != 200 {
		t.Errorf("the statement: got %+v", answer)
	}
	signed := `{"challengeIdentifier":"` + strings.Repeat("x", len(payload)*16/9+2000) + `"}`
	if answer := s.do("POST", "/auth/action", signed); answer.status != 200 {
		t.Errorf("its signature: got %+v", answer)
	}
	if answer := s.do("POST", "/auth/action", strings.Repeat("x", maxSigned+1)); !answer.isRefusal(413, "longer than") {
		t.Errorf("a longer one: got %+v", answer)
	}
}

func TestSilentOrAbsentUpstreamIsAnErrorInTheAPIsShape(t *testing.T) {
	silence := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silence }))
	defer silent.Close()
	defer close(silence)
	gone := httptest.NewServer(nil)
	gone.Close()
	for url, status := range map[string]int{silent.URL: 504, gone.URL: 502} {
		s := newSceneWith(t, func(c *Config) { c.Upstream, c.Timeout = url, 100*time.Millisecond })
		if answer := s.do("GET", "/keys", ""); !answer.isRefusal(status, "no answer from the API") {
			t.Errorf("%s: got %+v", url, answer)
		}
	}
}

func TestConcurrentClientsGetTheirOwnAnswers(t *testing.T) {
	s := newScene(t)
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			for i := range 5 {
				payload := fmt.Sprintf(`{"client":%d,"request":%d}`, n, i)
				if answer := s.do("POST", "/auth/action/init", statedBody("POST", "/keys/import", payload)); answer.status != 200 {
					t.Errorf("client %d, request %d: got %+v", n, i, answer)
				}
				if answer := s.do("POST", wantsPath, exportBody(envelopetest.EncryptionKey(t))); answer.status != 200 {
					t.Errorf("client %d, export %d: got %+v", n, i, answer)
				}
			}
		})
	}
	clients.Wait()
}

func TestNewRefuses(t *testing.T) {
	cluster := attesttest.New(t)
	for name, spoil := range map[string]func(c *Config){
		"no upstream":           func(c *Config) { c.Upstream = "" },
		"an upstream's path":    func(c *Config) { c.Upstream = "https://api.example/v1" },
		"plain http to a host":  func(c *Config) { c.Upstream = "http://api.example" },
		"a user in the URL":     func(c *Config) { c.Upstream = "https://user@api.example" },
		"another scheme":        func(c *Config) { c.Upstream = "ftp://localhost" },
		"no organisation":       func(c *Config) { c.Organisation = "" },
		"no log":                func(c *Config) { c.Log = nil },
		"no manifest":           func(c *Config) { c.Manifest = manifest.Manifest{} },
		"an edited manifest":    func(c *Config) { c.Manifest.Deployment = "other" },
		"a repeated signer":     func(c *Config) { c.Manifest.Members = append(slices.Clip(c.Manifest.Members), c.Manifest.Members[0]) },
		"a signer without keys": func(c *Config) { c.Manifest.Members = []manifest.Member{{}} },
	} {
		config := Config{Upstream: "https://api.example", Manifest: cluster.Manifest, Organisation: "or-1", Log: newLog(new(bytes.Buffer))}
		if _, err := New(config); err != nil {
			t.Fatal(err)
		}
		spoil(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
