//go:build cgo

package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"keyferry/hsm"
	"keyferry/hsm/hsmtest"
	"keyferry/server/audit"
	"keyferry/server/metrics"
	"keyferry/server/transfer"
	"keyferry/shares/locked"
)

// scrape returns what Prometheus would read.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func expect(t *testing.T, m *metrics.Metrics, lines ...string) {
	t.Helper()
	text := scrape(t, m)
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

func TestOperationsOnARealTokenAreCountedByOutcome(t *testing.T) {
	ctx := context.Background()
	m := metrics.New()
	cfg := hsmtest.Blank(t)
	cfg.Observer = m
	token := hsmtest.Open(t, cfg)
	if _, err := token.Init(ctx); err != nil {
		t.Fatal(err)
	}
	m.Watch(token)
	text, err := locked.New(32)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Destroy()
	blob, err := token.SealShare(ctx, hsm.FirstWrappingKey, text, []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.OpenShare(ctx, hsm.FirstWrappingKey, blob, []byte("elsewhere"), 0); !errors.Is(err, hsm.ErrBlob) {
		t.Fatalf("opened in another place: %v", err)
	}
	label := `token="` + cfg.Label + `"`
	expect(t, m,
		`keyferry_token_operations_total{operation="seal",outcome="ok",`+label+`} 1`,
		`keyferry_token_operations_total{operation="open",outcome="bad-blob",`+label+`} 1`,
		`keyferry_token_operation_seconds_count{operation="open",`+label+`} 1`,
		`keyferry_token_breaker_state{state="closed",`+label+`} 1`,
		`keyferry_token_breaker_state{state="open",`+label+`} 0`,
		`keyferry_token_sessions_in_use{`+label+`} 0`,
		`keyferry_token_calls_hung{`+label+`} 0`)
}

func TestBreakerIsInOneStateAtATime(t *testing.T) {
	m := metrics.New()
	for _, state := range []hsm.BreakerState{hsm.BreakerOpen, hsm.BreakerProbing, hsm.BreakerOpen} {
		m.BreakerChanged("a", state)
	}
	m.Reconnected("a")
	expect(t, m,
		`keyferry_token_breaker_state{state="open",token="a"} 1`,
		`keyferry_token_breaker_state{state="probing",token="a"} 0`,
		`keyferry_token_breaker_state{state="closed",token="a"} 0`,
		`keyferry_token_reconnects_total{token="a"} 1`)
}

func TestVerifiedSharesAreToldBySigner(t *testing.T) {
	m := metrics.New()
	m.Verified("a", 7, 0, time.UnixMilli(1_500))
	m.Verified("b", 5, 1, time.Time{})
	m.Verified("a", 8, 0, time.UnixMilli(2_500))
	expect(t, m,
		`keyferry_signer_shares{state="intact",token="a"} 8`,
		`keyferry_signer_shares{state="damaged",token="a"} 0`,
		`keyferry_signer_shares{state="damaged",token="b"} 1`,
		`keyferry_signer_shares_verified_timestamp_seconds{token="a"} 2.5`,
		`keyferry_signer_shares_verified_timestamp_seconds{token="b"} 0`)
}

// broken is a journal and a log that record nothing while err is set.
type broken struct {
	transfer.Journal
	err error
}

func (b *broken) FinishExport(context.Context, transfer.Export, audit.Outcome, audit.Entry) (audit.Place, error) {
	return audit.Place{}, b.err
}

func (b *broken) Append(context.Context, audit.Entry) error { return b.err }

func TestExportsAndRefusalsAreCountedOnceTheyAreRecorded(t *testing.T) {
	ctx := context.Background()
	m := metrics.New()
	b := &broken{err: errors.New("disk is full")}
	journal, log := m.Journal(b), m.Log(b)
	for _, b.err = range []error{b.err, nil, nil} {
		journal.FinishExport(ctx, transfer.Export{}, audit.Released, audit.Entry{})
		journal.FinishExport(ctx, transfer.Export{}, audit.Void, audit.Entry{Reason: "signer.frozen"})
		log.Append(ctx, audit.Entry{Kind: audit.RequestRefused, Reason: "policy.permission"})
		log.Append(ctx, audit.Entry{Kind: audit.ExportBegun})
	}
	expect(t, m,
		`keyferry_exports_total{outcome="released",reason=""} 2`,
		`keyferry_exports_total{outcome="void",reason="signer.frozen"} 2`,
		`keyferry_requests_refused_total{reason="policy.permission"} 2`)
}

func TestOnlyMetricsAreServed(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
	}{{"GET", "/metrics", 200}, {"POST", "/metrics", 405}, {"GET", "/", 404}, {"GET", "/debug/pprof/", 404}} {
		answer := httptest.NewRecorder()
		metrics.New().Handler().ServeHTTP(answer, httptest.NewRequest(c.method, c.path, nil))
		if answer.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, answer.Code, c.status)
		}
	}
}
