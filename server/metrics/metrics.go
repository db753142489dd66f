//go:build cgo

// Package metrics counts what a server or signer does, for Prometheus.
//
//	Metrics.Journal   exports by outcome and reason, as the journal has them   (record.go)
//	Metrics.Log       refused requests by reason, as the audit record has them (record.go)
//	Metrics           an hsm.Observer: operations, reconnects, breakers        (tokens.go)
//	Metrics.Watch     a token's sessions, looked up whenever somebody asks     (tokens.go)
//	Metrics.Verified  what verifying a signer's shares found                   (shares.go)
//	Metrics.Handler   GET /metrics
//
// Labels are names from the configuration and words from this program, never what comes
// with a request: nobody outside can make the number of series grow.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is all that is counted in a process. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	operations *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	reconnects *prometheus.CounterVec
	breakers   *prometheus.GaugeVec
	tokens     *tokens
	shares     shares
	exports    *prometheus.CounterVec
	refusals   *prometheus.CounterVec
}

// New returns Metrics of which nothing is counted yet.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyferry_token_operations_total", Help: "Operations on tokens, as their callers saw them end.",
		}, []string{"token", "operation", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keyferry_token_operation_seconds", Help: "How long operations on tokens took, waiting included.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1, 5, 10},
		}, []string{"token", "operation"}),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyferry_token_reconnects_total", Help: "New logins that took the place of dead ones.",
		}, []string{"token"}),
		breakers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "keyferry_token_breaker_state", Help: "1 for the state in which a token's breaker is, 0 for the others.",
		}, []string{"token", "state"}),
		tokens: newTokens(), shares: newShares(),
		exports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyferry_exports_total", Help: "Exports that were begun, by how they ended and, if not well, why.",
		}, []string{"outcome", "reason"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keyferry_requests_refused_total", Help: "Requests that were refused before anything was begun, by the recorded reason.",
		}, []string{"reason"}),
	}
	m.registry.MustRegister(m.operations, m.durations, m.reconnects, m.breakers, m.tokens, m.shares.counted, m.shares.intact, m.exports, m.refusals,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers GET /metrics, and nothing else.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
