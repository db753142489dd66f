package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"keyferry/server/audit"
	"keyferry/server/fault"
)

func TestBodiesAreLimited(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	limit := int(DefaultLimits().BodyBytes)
	want := refusal{http.StatusRequestEntityTooLarge, "body.too-large"}
	for name, body := range map[string]io.Reader{
		"said":    strings.NewReader(strings.Repeat(" ", limit+1)),
		"chunked": io.MultiReader(strings.NewReader(strings.Repeat(" ", limit+1))),
		"huge":    io.LimitReader(spaces{}, 1<<30),
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(t, alice, "POST", "/keys/import", "{}")
			sized, err := http.NewRequest("POST", r.URL.String(), body)
			if err != nil {
				t.Fatal(err)
			}
			sized.Header = r.Header
			s.expectRefusal(t, sized, alice, want)
		})
	}
}

// spaces never ends.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestBodiesUpToTheLimitAreRead(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	body := initText(t, "POST", "/keys/import", "{}")
	padded := body + strings.Repeat(" ", int(DefaultLimits().BodyBytes)-len(body))
	if got := s.send(t, alice, "POST", "/auth/action/init", padded); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// A challenge's identifier has the payload in it, and the answer brings it back.
func TestWhateverPayloadIsTakenCanBeSigned(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	empty := initText(t, "POST", "/keys/import", "")
	for name, letter := range map[string]string{"plain": "x", "quotes": `\"`, "escapes": `\u0001`, "letters": "\u20ac"} {
		payload := strings.Repeat(letter, (int(DefaultLimits().BodyBytes)-len(empty))/len(letter))
		issued := s.send(t, alice, "POST", "/auth/action/init", strings.Replace(empty, `Payload":""`, `Payload":"`+payload+`"`, 1))
		if issued.status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, issued.status, issued.text)
		}
		if got := s.send(t, alice, "POST", "/auth/action", jsonOf(t, alice.assertion(t, issued))); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
}

func TestSlowBodiesTimeOut(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for name, first := range map[string]string{
		"nothing comes": "Content-Length: 10\r\n\r\n",
		"some comes":    "Content-Length: 10\r\n\r\n{",
		"chunks":        "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			connection := s.dial(t)
			begun := time.Now()
			fmt.Fprint(connection, head(alice, "POST", "/keys/import")+"Content-Type: application/json\r\n"+first)
			got := readFrom(t, connection, "POST")
			expectError(t, got, http.StatusRequestTimeout)
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if n, err := connection.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the connection is open: %d bytes, %v", n, err)
			}
		})
	}
	for _, entry := range s.book.recorded(audit.RequestRefused) {
		if entry.Reason != "body.too-slow" || entry.User != alice.ID {
			t.Errorf("recorded %+v", entry)
		}
	}
}

// A trickle must not keep a connection for longer than silence does.
func TestTricklingBodiesTimeOut(t *testing.T) {
	s := newService(t)
	connection := s.dial(t)
	fmt.Fprint(connection, head(s.alice(t), "POST", "/keys/import")+"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
	go func() {
		for range 100 { // the connection's end ends it earlier
			if _, err := fmt.Fprint(connection, " "); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	expectError(t, readFrom(t, connection, "POST"), http.StatusRequestTimeout)
}

func TestCallersWithoutATokenCannotHoldAConnection(t *testing.T) {
	limits := DefaultLimits()
	limits.Header, limits.Body = 200*time.Millisecond, 300*time.Millisecond
	s := newServiceWithin(t, limits)
	connection := s.dial(t)
	fmt.Fprint(connection, head(caller{}, "POST", "/keys/import")+"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n")
	expectError(t, readFrom(t, connection, "POST"), http.StatusUnauthorized)
}

func TestTheBodysDeadlineDoesNotOutliveTheBody(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	r := s.signed(t, alice, exportPath(sampleKey), exportText(t))
	s.book.change(func() {
		s.book.keyTrouble = func(ctx context.Context) error {
			time.Sleep(2 * s.api.Limits.Body)
			return ctx.Err()
		}
	})
	if got := s.do(t, r); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
}

// TLS brings HTTP/2, where a deadline is a stream's and not a connection's.
func TestSlowBodiesTimeOutOverHTTP2(t *testing.T) {
	s := newService(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config, server.EnableHTTP2 = NewHTTPServer(s.api, s.api.Limits), true
	server.StartTLS()
	t.Cleanup(server.Close)
	body, end := io.Pipe()
	defer end.Close()
	r, err := http.NewRequest("POST", server.URL+"/keys/import", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = s.request(t, s.alice(t), "POST", "/keys/import", "{}").Header
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.ProtoMajor != 2 {
		t.Errorf("spoke %s", response.Proto)
	}
	expectError(t, read(t, "POST", response), http.StatusRequestTimeout)
}

func TestBodiesThatEndTooEarlyAreRefused(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	connection := s.dial(t)
	fmt.Fprint(connection, head(alice, "POST", "/keys/import")+"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	expectError(t, readFrom(t, connection, "POST"), http.StatusBadRequest)
	if entries := s.book.recorded(audit.RequestRefused); len(entries) != 1 || entries[0].Reason != "body.incomplete" {
		t.Errorf("recorded %+v", entries)
	}
}

func TestOnlyPlainJSONIsTaken(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for name, c := range map[string]struct {
		header http.Header
		reason fault.Reason
	}{
		"no type":      {http.Header{"Content-Type": nil}, "body.media-type"},
		"form":         {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "body.media-type"},
		"text":         {http.Header{"Content-Type": {"text/plain"}}, "body.media-type"},
		"malformed":    {http.Header{"Content-Type": {"application/json; charset"}}, "body.media-type"},
		"JSON twice":   {http.Header{"Content-Type": {"application/json", "application/json"}}, "body.media-type"},
		"UTF-16":       {http.Header{"Content-Type": {"application/json; charset=utf-16"}}, "body.media-type"},
		"gzip":         {http.Header{"Content-Encoding": {"gzip"}}, "body.encoding"},
		"gzip at last": {http.Header{"Content-Encoding": {"identity", "gzip"}}, "body.encoding"},
		"gzip in list": {http.Header{"Content-Encoding": {"identity, gzip"}}, "body.encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(t, alice, "POST", "/keys/import", s.importText(t))
			for header, values := range c.header {
				r.Header[header] = values
			}
			s.expectRefusal(t, r, alice, refusal{http.StatusUnsupportedMediaType, c.reason})
		})
	}
}

func TestJSONIsTakenHoweverItIsNamed(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, media := range []string{"application/json;charset=UTF-8", "Application/JSON", `application/json; charset="utf-8"`} {
		r := s.request(t, alice, "POST", "/auth/action/init", initText(t, "POST", "/keys/import", "{}"))
		r.Header.Set("Content-Type", media)
		r.Header.Set("Content-Encoding", "identity")
		if got := s.do(t, r); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", media, got.status, got.text)
		}
	}
}

// The Go and Python SDKs send a content type with every request.
func TestGetPassesOverContentAndItsType(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	for _, body := range []string{"", "{", strings.Repeat("x", 4000)} {
		r := s.request(t, alice, "GET", "/keys", body)
		r.Header.Set("Content-Type", "application/json")
		if got := s.do(t, r); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
}
