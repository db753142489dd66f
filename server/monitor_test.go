//go:build cgo

package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/server/signer/node"
)

func fetch(t *testing.T, url string) (status int, text string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// token is the signer's own, as the server has it.
func (s *Server) tokenOf(t *testing.T, signer int) *hsm.Token {
	t.Helper()
	token, ok := s.transfer.Signers[signer].(*node.Node).Token.(*hsm.Token)
	if !ok {
		t.Fatal("the signer has no token of its own")
	}
	return token
}

// The first token stops, then another: the service is degraded, then unavailable, and
// alive all the time.
func TestReadinessFollowsTheTokens(t *testing.T) {
	c := readyConfig(t)
	c.Metrics.Listen = "127.0.0.1:0"
	s := open(t, c)
	stop := run(t, s)
	strangers, operators := "http://"+s.Addr().String(), "http://"+s.monitor.listener.Addr().String()
	for stopped, want := range []struct {
		status  int
		verdict string
	}{{200, `"ready"`}, {200, `"degraded"`}, {503, `"unavailable"`}} {
		if stopped > 0 {
			if err := s.tokenOf(t, stopped-1).Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(s.health.Keep)
		}
		status, text := fetch(t, strangers+"/readyz")
		if status != want.status || strings.TrimSpace(text) != `{"status":`+want.verdict+`}` {
			t.Errorf("%d tokens stopped: strangers get %d %s", stopped, status, text)
		}
		status, text = fetch(t, operators+"/readyz")
		if status != want.status || strings.Count(text, `"ok":false`) != stopped || strings.Count(text, `"ok":true`) != 4-stopped {
			t.Errorf("%d tokens stopped: operators get %d %s", stopped, status, text)
		}
		if status, text := fetch(t, strangers+"/livez"); status != 200 {
			t.Errorf("%d tokens stopped: not alive: %d %s", stopped, status, text)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestReadinessNeedsTheDatabase(t *testing.T) {
	s := open(t, readyConfig(t))
	stop := run(t, s)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, text := fetch(t, "http://"+s.Addr().String()+"/readyz"); status != 503 {
		t.Errorf("%d %s", status, text)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestMetricsAreOnTheirOwnListenerOnly(t *testing.T) {
	c := readyConfig(t)
	c.Metrics.Listen = "127.0.0.1:0"
	s := open(t, c)
	stop := run(t, s)
	if status, text := fetch(t, "http://"+s.monitor.listener.Addr().String()+"/metrics"); status != 200 ||
		!strings.Contains(text, `keyferry_token_operations_total{operation="self-test",outcome="ok",token="signer-1"} 1`) ||
		!strings.Contains(text, `keyferry_token_sessions_in_use{token="signer-2"} 0`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := fetch(t, "http://"+s.Addr().String()+"/metrics"); status == 200 {
		t.Error("strangers can read the metrics")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + s.monitor.listener.Addr().String() + "/livez"); err == nil {
		t.Error("the monitoring is served when the server has stopped")
	}
}

func TestMetricsAreOffUnlessConfigured(t *testing.T) {
	if s := open(t, readyConfig(t)); s.monitor != nil {
		t.Error("somebody listens")
	}
}
