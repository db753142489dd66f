//go:build cgo

package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"keyferry/server"
)

func TestASignerTellsItsMonitoringHowItIs(t *testing.T) {
	c := newNodeConfig(t)
	prepare(t, c)
	c.Metrics.Listen = freeAddress(t)
	one, err := server.OpenNode(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- one.Run(ctx) }()
	for path, want := range map[string]string{
		"/livez": `"live"`, "/readyz": `"name":"token and store","ok":true`, "/metrics": `keyferry_token_breaker_state{state="closed",`,
	} {
		answer, err := http.Get("http://" + c.Metrics.Listen + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s, %v", path, answer.StatusCode, text, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
}

// freeAddress is one that nobody uses at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
