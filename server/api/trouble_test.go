package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"keyferry/server/fault"
)

var errDisk = errors.New("disk I/O error at /var/lib/secret-place")

func TestTroubleIsAnsweredWithoutDetailAndRecorded(t *testing.T) {
	for name, trouble := range map[string]func(context.Context) error{
		"error":          func(context.Context) error { return errDisk },
		"internal fault": func(context.Context) error { return fault.New(fault.Internal, "internal", "row 7 is damaged") },
		"panic":          func(context.Context) error { panic(errDisk) },
		"panic of nil":   func(context.Context) error { panic(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			alice := s.alice(t)
			s.book.change(func() { s.book.keyTrouble = trouble })
			s.expectRefusal(t, s.request(t, alice, "GET", "/keys/"+string(sampleKey), ""), alice, refusal{500, fault.ReasonInternal})
			s.book.change(func() { s.book.keyTrouble = nil })
			if got := s.send(t, alice, "GET", "/keys/"+string(sampleKey), ""); got.status != http.StatusOK {
				t.Errorf("afterwards: %d %s", got.status, got.text)
			}
		})
	}
}

// No record, no answer that could be denied later.
func TestARefusalThatCannotBeRecordedIsTrouble(t *testing.T) {
	for name, trouble := range map[string]error{
		"disk":    errDisk,
		"a fault": fault.New(fault.NotFound, "x", "not found"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			s.book.appendTrouble = trouble
			expectError(t, s.send(t, caller{}, "GET", "/keys", ""), http.StatusInternalServerError)
			if log := s.log.String(); !strings.Contains(log, trouble.Error()) || !strings.Contains(log, "token.missing") {
				t.Errorf("the log does not say why: %s", log)
			}
		})
	}
}

// The database is away: nothing can be looked up, and nothing recorded.
func TestAnUnreachableDatabaseIsTemporary(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	away := fault.New(fault.Unavailable, "store.unavailable", "try again later").Because(errDisk)
	s.book.change(func() {
		s.book.keyTrouble = func(context.Context) error { return away }
		s.book.appendTrouble = away
	})
	expectError(t, s.send(t, alice, "GET", "/keys/"+string(sampleKey), ""), http.StatusServiceUnavailable)
	s.book.change(func() { s.book.keyTrouble, s.book.appendTrouble = nil, nil })
	if got := s.send(t, alice, "GET", "/keys/"+string(sampleKey), ""); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.text)
	}
}

func TestEveryRequestHasOneLineInTheLog(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	s.send(t, alice, "GET", "/keys/"+string(sampleKey)+"?limit=3", "")
	id := expectError(t, s.send(t, alice, "GET", "/keys/key-unknown", ""), http.StatusNotFound)
	expectError(t, s.send(t, alice, "GET", "/elsewhere", ""), http.StatusNotFound)
	expectError(t, s.send(t, alice, "POST", "/keys", ""), http.StatusMethodNotAllowed)
	s.book.change(func() { s.book.keyTrouble = func(context.Context) error { return errDisk } })
	expectError(t, s.send(t, alice, "GET", "/keys/key-unknown", ""), http.StatusInternalServerError)

	want := []map[string]any{
		{"level": "INFO", "method": "GET", "route": "/keys/:keyId", "status": 200.0},
		{"level": "INFO", "method": "GET", "route": "/keys/:keyId", "status": 404.0, "reason": "key.unknown", "error_id": id},
		{"level": "INFO", "method": "GET", "route": "", "status": 404.0, "reason": "path.unknown"},
		{"level": "INFO", "method": "POST", "route": "", "status": 405.0, "reason": "method.not-allowed"},
		{"level": "ERROR", "method": "GET", "route": "/keys/:keyId", "status": 500.0, "reason": "internal", "error": errDisk.Error()},
	}
	lines := strings.Split(strings.TrimSpace(s.log.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), s.log)
	}
	for i, line := range lines {
		expectLine(t, line, want[i])
	}
}

func expectLine(t *testing.T, line string, want map[string]any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	if _, timed := got["duration"].(float64); !timed {
		t.Errorf("no duration: %s", line)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v: %s", name, got[name], value, line)
		}
	}
}

func TestTheLogHasNothingThatClientsChooseFreely(t *testing.T) {
	s := newService(t)
	alice := s.alice(t)
	const mark = "canary"
	r := s.signed(t, alice, exportPath(sampleKey), exportText(t))
	action := r.Header.Get("x-dfns-useraction")
	r.URL.RawQuery = mark
	r.Header.Set("X-Other", mark)
	s.do(t, r)
	for _, path := range []string{"/" + mark, "/keys/" + mark, "/keys?paginationToken=" + mark, "/keys?owner=" + mark, "/keys?%" + mark} {
		s.send(t, alice, "GET", path, "")
	}
	s.send(t, alice, "POST", "/auth/action/init", `{"`+mark+`":"`+mark+`"}`)
	s.send(t, alice, "POST", "/auth/action/init", `{"`+mark+`":1,"`+mark+`":2}`)
	s.send(t, alice, "POST", "/keys/import", `{"protocol":"`+mark+`"}`)
	s.send(t, caller{token: mark}, "GET", "/keys", "")
	for _, secret := range []string{alice.token, action, mark, string(sampleKey)} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, s.log)
		}
	}
}

func TestNewRefusesConfigurationsThatLackSomething(t *testing.T) {
	whole := (&service{book: newBook(), now: start, log: &lines{}}).config(t, DefaultLimits())
	if _, err := New(whole); err != nil {
		t.Fatal(err)
	}
	for i, spoil := range []func(*Config){
		func(c *Config) { c.Identity = nil }, func(c *Config) { c.Actions = nil }, func(c *Config) { c.Transfer = nil },
		func(c *Config) { c.Audit = nil }, func(c *Config) { c.Now = nil }, func(c *Config) { c.Log = nil },
		func(c *Config) { c.Cluster = "" }, func(c *Config) { c.RPID = "" }, func(c *Config) { c.RPName = "" },
		func(c *Config) { c.Limits.BodyBytes = 0 }, func(c *Config) { c.Limits.Header = -1 },
		func(c *Config) { c.Limits.Answer = time.Second }, // an import may take two
	} {
		config := whole
		spoil(&config)
		if _, err := New(config); err == nil {
			t.Errorf("configuration %d was taken", i)
		}
	}
}

// A limit of zero would be no limit to net/http.
func TestTheServerLimitsEverything(t *testing.T) {
	server := NewHTTPServer(http.NotFoundHandler(), DefaultLimits())
	timeouts := []time.Duration{server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout}
	if slices.Min(timeouts) <= 0 || server.MaxHeaderBytes <= 0 || server.WriteTimeout <= DefaultLimits().Answer {
		t.Errorf("%v, %d bytes", timeouts, server.MaxHeaderBytes)
	}
}
