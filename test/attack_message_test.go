//go:build cgo

package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// message is a request byte for byte, since no HTTP client would send most of these.
type message struct {
	line    string   // without its end
	headers []string // without their ends
	body    string
	hangUp  bool // close the sending half behind the last byte
}

func get(target string) message { return request("GET", target) }

// post is a POST of JSON.
func post(target, body string) message {
	m := request("POST", target).with("Content-Type: application/json").with("Content-Length: " + strconv.Itoa(len(body)))
	m.body = body
	return m
}

func request(method, target string) message {
	return message{line: method + " " + target + " HTTP/1.1", headers: []string{"Host: keyferry.test", "Connection: close"}}
}

// with adds a header line.
func (m message) with(line string) message {
	m.headers = append(m.headers[:len(m.headers):len(m.headers)], line)
	return m
}

// without removes a header.
func (m message) without(name string) message {
	var kept []string
	for _, line := range m.headers {
		if !strings.HasPrefix(line, name+":") {
			kept = append(kept, line)
		}
	}
	m.headers = kept
	return m
}

// by adds the account's token.
func (m message) by(a *account) message { return m.bearing(a.token) }

// bearing adds a token.
func (m message) bearing(token string) message { return m.with("Authorization: Bearer " + token) }

// carrying adds a user action.
func (m message) carrying(action string) message { return m.with("X-Dfns-Useraction: " + action) }

// chunked replaces the body by one that is sent in chunks; the text has its framing.
func (m message) chunked(text string) message {
	m = m.without("Content-Length").with("Transfer-Encoding: chunked")
	m.body = text
	return m
}

// cutOff is the message whose sender goes away behind its last byte.
func (m message) cutOff() message {
	m.hangUp = true
	return m
}

func (m message) method() string { return strings.SplitN(m.line, " ", 2)[0] }

func (m message) bytes() []byte {
	return []byte(strings.Join(append([]string{m.line}, m.headers...), "\r\n") + "\r\n\r\n" + m.body)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send opens a connection, sends the message and reads one answer.
func (s *stage) send(m message, within time.Duration) (answer, error) {
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		return answer{}, err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(within))
	// A server that has refused already need not take the rest.
	_, _ = connection.Write(m.bytes())
	if m.hangUp {
		connection.(*net.TCPConn).CloseWrite()
	}
	return readAnswer(connection, m.method())
}

func readAnswer(from io.Reader, method string) (answer, error) {
	response, err := http.ReadResponse(bufio.NewReader(from), &http.Request{Method: method})
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer's body: %w", err)
	}
	return answer{response.StatusCode, response.Header, body}, nil
}

// checkObject checks that the answer is one JSON object, and an error's object if it
// is an error, and returns the error's id. An answer to HEAD has no body.
func (a answer) checkObject(t *testing.T, method string) (id string) {
	t.Helper()
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Location") != "" {
		t.Errorf("headers %v", a.header)
	}
	if method == http.MethodHead {
		return ""
	}
	var object struct {
		Message string
		Error   struct {
			ID, Message string
			Status      int
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	if err := decoder.Decode(&object); err != nil || decoder.More() || a.body[0] != '{' {
		t.Fatalf("not a JSON object: %s", a.body)
	}
	if a.status == http.StatusOK {
		return ""
	}
	if e := object.Error; e.ID == "" || e.Status != a.status || e.Message == "" || e.Message != object.Message {
		t.Errorf("not an error: %s", a.body)
	}
	return object.Error.ID
}
