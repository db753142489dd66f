//go:build cgo

package test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	crowd = 64 // slow connections of each kind
	// slowest is when the server has given up on all of them: the time for headers and
	// for a body, and as much again on a busy machine.
	slowest = 30 * time.Second
	drip    = 250 * time.Millisecond
)

// slowness is a connection that takes its time.
type slowness struct {
	name  string
	begin []byte // sent at once
	drops []byte // sent byte by byte
	// refusal is the status of the answer; 0 is for a connection that is closed before
	// there is a request to answer.
	refusal int
}

// beSlow opens many slow connections at once. The server must end each of them in
// time, and serve others in the meantime.
func (s *stage) beSlow(t *testing.T) {
	before := s.record.length(t)
	head := post("/auth/action/init", "").by(s.alice)
	drops := bytes.Repeat([]byte(" "), 1000)
	kinds := []slowness{
		{"nothing at all", nil, nil, 0},
		{"slow headers", []byte("GET /keys HTTP/1.1\r\nHost: keyferry.test\r\nX-A: "), bytes.Repeat([]byte("a"), 1000), 0},
		{"headers without an end", []byte("GET /keys HTTP/1.1\r\nHost: keyferry.test\r\n"), nil, 0},
		{"a slow body", withLength(head, 1000).bytes(), drops, http.StatusRequestTimeout},
		{"a body that does not come", withLength(head, 1000).bytes(), nil, http.StatusRequestTimeout},
		{"a slow body in chunks", append(head.chunked("").bytes(), "3e8\r\n"...), drops, http.StatusRequestTimeout},
		{"a slow body without a token", withLength(post("/auth/action/init", ""), 1000).bytes(), drops, http.StatusUnauthorized},
	}
	var wait sync.WaitGroup
	errs := make([]error, len(kinds)*crowd)
	for i := range errs {
		wait.Go(func() { errs[i] = kinds[i/crowd].wait(s.address) })
	}
	s.checkServes(t)
	wait.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", kinds[i/crowd].name, err)
		}
	}
	s.checkTardy(t, before, kinds)
}

// wait is the connection, until the server ends it.
func (k slowness) wait(address string) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(slowest))
	ended := make(chan struct{})
	defer close(ended)
	if _, err := connection.Write(k.begin); err != nil {
		return err
	}
	go func() {
		for _, b := range k.drops {
			select {
			case <-ended:
				return
			case <-time.After(drip):
			}
			if _, err := connection.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	if k.refusal != 0 {
		got, err := readAnswer(connection, http.MethodPost)
		if err == nil && got.status != k.refusal {
			err = fmt.Errorf("status %d, not %d", got.status, k.refusal)
		}
		return err
	}
	return closedUnserved(connection)
}

// closedUnserved waits for the connection's end, before which there may be a refusal.
func closedUnserved(connection net.Conn) error {
	rest, err := io.ReadAll(connection)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return fmt.Errorf("still open after %v", slowest)
	}
	if strings.HasPrefix(string(rest), "HTTP/1.1 2") {
		return fmt.Errorf("served: %s", rest)
	}
	return nil
}

// checkServes checks that an ordinary client is served while the others wait.
func (s *stage) checkServes(t *testing.T) {
	t.Helper()
	for range 10 {
		begun := time.Now()
		s.obtain(t, s.alice.signed(t, exportPath(s.spare), s.honest(t)), &struct{}{})
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("an export took %v", took)
		}
	}
}

// checkTardy checks that each request that was refused is recorded.
func (s *stage) checkTardy(t *testing.T, before int64, kinds []slowness) {
	t.Helper()
	expected := map[string]int{}
	for _, k := range kinds {
		switch k.refusal {
		case http.StatusRequestTimeout:
			expected["body.too-slow"] += crowd
		case http.StatusUnauthorized:
			expected["token.missing"] += crowd
		}
	}
	for _, entry := range s.record.since(t, before) {
		if entry.Reason != "" {
			expected[string(entry.Reason)]--
		}
	}
	for reason, missing := range expected {
		if missing != 0 {
			t.Errorf("%s is recorded %d times less than it happened", reason, missing)
		}
	}
}
