package api

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"keyferry/server/audit"
)

// raw sends a request as it stands, which no client library would, and reads the
// response to it.
func (s *service) raw(t testing.TB, method, text string) answer {
	t.Helper()
	connection := s.dial(t)
	fmt.Fprint(connection, text)
	return readFrom(t, connection, method)
}

func (s *service) dial(t testing.TB) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

func readFrom(t testing.TB, connection net.Conn, method string) answer {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return read(t, method, response)
}

func head(by caller, method, target string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: keys.example\r\nConnection: close\r\nAuthorization: Bearer " + by.token + "\r\n"
}

func TestPathsThatMeanTheSameAreServedWithoutARedirect(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, target := range []string{"//keys", "///keys?limit=1", "/%6beys", "/keys?", "http://elsewhere.example/keys"} {
		if got := s.raw(t, "GET", head(alice, "GET", target)+"\r\n"); got.status != http.StatusOK || got.body["items"] == nil {
			t.Errorf("%s: %d %s", target, got.status, got.text)
		}
	}
	if got := s.send(t, alice, "GET", "//keys//"+string(sampleKey), ""); got.body["id"] != string(sampleKey) {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// The Go SDK doubles the slash behind some base URLs, in what it signs and in what it
// sends.
func TestExportTakesDoubledSlashesInPathAndUserAction(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	doubled := "/" + exportPath(sampleKey)
	if got := s.do(t, s.signed(t, alice, doubled, exportText(t))); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
}

func TestUnknownPathsAreNotFoundAndNotRecorded(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, target := range []string{
		"/", "/key", "/keys/", "/keys/a/b", "/keys/a/export/", "/keys/%2e%2e/signers", "/keys/../signers", "/./keys", "/keys%2Fimport",
		"/keys%252fimport", "/keys/%00", "/keys/a%0ab", "/keys\\import", "/KEYS", "/keys;v=1", "/keys/%ff", "/keys/%3f", "/keys#x",
		"/" + strings.Repeat("a", 2000), "/auth", "/auth/action/", "/wallets",
	} {
		for _, method := range []string{"GET", "POST"} {
			got := s.raw(t, method, head(alice, method, target)+"\r\n")
			expectError(t, got, http.StatusNotFound)
		}
	}
	if n := len(s.book.recorded(audit.RequestRefused)); n != 0 {
		t.Errorf("%d entries", n)
	}
}

func TestUnknownMethodsAreToldTheKnownOnes(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for target, allow := range map[string]string{
		"/keys": "GET", "/signers": "GET", "/keys/key-1": "GET", "/keys/key-1/export": "POST", "/auth/action": "POST",
		"/auth/action/init": "POST", "//keys": "GET",
	} {
		for _, method := range []string{"OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "HEAD", "QUERY", "get"} {
			if method == "CONNECT" && strings.HasPrefix(target, "//") {
				continue // a CONNECT's target is a host
			}
			got := s.raw(t, method, head(alice, method, target)+"\r\n")
			if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q", method, target, got.status, got.header.Get("Allow"))
			}
			if method != "HEAD" {
				expectError(t, got, http.StatusMethodNotAllowed)
			}
		}
	}
	if n := len(s.book.recorded(audit.RequestRefused)); n != 0 {
		t.Errorf("%d entries", n)
	}
}

func TestTargetsThatAreNoPathsAreNotFound(t *testing.T) {
	s := newService(t)
	for method, target := range map[string]string{"OPTIONS": "*", "CONNECT": "keys.example:443"} {
		expectError(t, s.raw(t, method, head(caller{}, method, target)+"\r\n"), http.StatusNotFound)
	}
}

func TestNoOriginIsAllowedToReadAcross(t *testing.T) {
	s := newService(t)
	r := s.request(t, s.alice(t), "GET", "/keys", "")
	r.Header.Set("Origin", "https://evil.example")
	for name := range s.do(t, r).header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("sent %s", name)
		}
	}
}
